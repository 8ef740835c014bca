// The shop's process, its clock, and a browser: what the steps are made of.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { chromium } from 'playwright-core';

export const TIMES = { idle: 100, absolute: 600, renewAfter: 20 };

// How long anything may take that another process does, on a machine that is busy.
const PATIENCE = 90_000;

/// One folder with keys, one clock, and the servers that use them.
export class Place {
  constructor(binary) {
    this.binary = binary;
    this.folder = mkdtempSync(join(tmpdir(), 'storefront-'));
    this.clock = join(this.folder, 'clock');
    this.now = Math.floor(Date.now() / 1000);
    this.servers = [];
    this.pass(0);
  }

  /// Lets time pass, for every server of this place.
  pass(seconds) {
    this.now += seconds;
    writeFileSync(this.clock, String(this.now));
  }

  async open(port = 0) {
    const child = spawn(this.binary, [
      '--port', String(port), '--store', join(this.folder, 'keys'), '--clock', this.clock,
      '--idle', String(TIMES.idle), '--absolute', String(TIMES.absolute),
      '--renew-after', String(TIMES.renewAfter),
    ]);
    const server = { child, url: await address(child) };
    this.servers.push(server);
    return server;
  }

  async close(server) {
    this.servers = this.servers.filter((other) => other !== server);
    const gone = new Promise((done) => server.child.once('exit', done));
    server.child.kill();
    await gone;
  }

  async leave() {
    for (const server of [...this.servers]) await this.close(server);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function address(child) {
  return new Promise((done, failed) => {
    let said = '';
    const late = setTimeout(() => failed(new Error(`the shop did not open: ${said}`)), PATIENCE);
    child.stdout.on('data', (text) => {
      said += text;
      const found = said.match(/http:\/\/localhost:\d+/);
      if (found) { clearTimeout(late); done(found[0]); }
    });
    child.stderr.on('data', (text) => { said += text; });
    child.once('exit', (code) => failed(new Error(`the shop ended with ${code}: ${said}`)));
  });
}

export function browser(executablePath) {
  return chromium.launch({
    executablePath,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
}

/// A browser of its own, with its own cookies.
export class Visitor {
  static async enter(browser, server, options = {}) {
    const visitor = new Visitor();
    visitor.context = await browser.newContext({ viewport: { width: 1200, height: 820 }, ...options });
    visitor.context.setDefaultTimeout(PATIENCE);
    visitor.page = await visitor.context.newPage();
    visitor.server = server;
    visitor.complaints = [];
    visitor.page.on('console', (line) => {
      // An answer of 403 is asked for by one step, and Chromium mentions it.
      const expected = /status of 403/.test(line.text());
      if (line.type() === 'error' && !expected) visitor.complaints.push(line.text());
    });
    return visitor;
  }

  go(path, page = this.page) {
    return page.goto(this.server.url + path);
  }

  async logIn(name, password) {
    await this.go('/login');
    await this.page.fill('input[name=name]', name);
    await this.page.fill('input[name=password]', password);
    await this.page.click('main button');
    await this.page.waitForURL(this.server.url + '/');
  }

  press(label) {
    return Promise.all([
      this.page.waitForNavigation(),
      this.page.locator('main').getByRole('button', { name: label, exact: true }).first().click(),
    ]);
  }

  async isLoggedIn(page = this.page) {
    await this.go('/account', page);
    return new URL(page.url()).pathname === '/account';
  }

  async cookies() {
    const all = await this.context.cookies(this.server.url);
    return Object.fromEntries(all.map((cookie) => [cookie.name, cookie]));
  }

  async token() {
    return (await this.cookies())['__Host-shop']?.value;
  }

  async session() {
    return this.page.textContent('#session');
  }
}
