// Usage: node storefront.mjs BINARY CHROMIUM [FOLDER FOR SCREENSHOTS]

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { join } from 'node:path';

import { Place, TIMES, Visitor, browser as launch } from './shop.mjs';

const [binary, chromium, screenshots] = process.argv.slice(2);
const place = new Place(binary);
let server = await place.open();
const browser = await launch(chromium);
const enter = (options) => Visitor.enter(browser, server, options);
const visitors = [];
let steps = 0;

async function step(name, body) {
  const visitor = await enter();
  visitors.push(visitor);
  await body(visitor);
  await visitor.context.close();
  steps += 1;
  console.log(`ok  ${name}`);
}

async function picture(page, name) {
  if (screenshots) await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
}

async function run() {
  await step('a login sets two cookies that no script and no other host can reach', async (alice) => {
    await alice.go('/');
    await picture(alice.page, 'front-stranger');
    assert.equal((await alice.context.cookies()).length, 0, 'a stranger has no cookies');
    await alice.go('/login');
    await alice.page.fill('input[name=name]', 'alice');
    await alice.page.fill('input[name=password]', 'wrong');
    await alice.press('Log in');
    assert.match(await alice.page.textContent('.notice'), /do not go together/);
    await picture(alice.page, 'login');
    await alice.logIn('alice', 'rabbit');
    assert.equal((await alice.page.textContent('#who')).trim(), 'alice');
    const cookies = await alice.cookies();
    assert.deepEqual(Object.keys(cookies).sort(), ['__Host-shop', '__Host-shop-fp']);
    for (const cookie of Object.values(cookies)) {
      assert.equal(cookie.secure && cookie.httpOnly, true);
      assert.deepEqual([cookie.sameSite, cookie.path, cookie.domain], ['Lax', '/', 'localhost']);
      assert.equal(cookie.expires, -1, 'gone with the browser');
    }
    assert.equal(await alice.page.evaluate(() => document.cookie), '');
  });

  await step('a basket travels in the cookie through to the checkout', async (alice) => {
    await alice.logIn('alice', 'rabbit');
    await picture(alice.page, 'front');
    await alice.press('Add to basket');
    await alice.press('One Brass key more');
    assert.equal(await alice.page.textContent('#count'), '2');
    await picture(alice.page, 'basket');
    await alice.press('Check out');
    assert.match(await alice.page.textContent('#thanks'), /first order/);
    await picture(alice.page, 'thanks');
    assert.equal(await alice.page.textContent('#count'), '0');
  });

  await step('the cookie changes only once its share of life has passed', async (alice) => {
    await alice.logIn('alice', 'rabbit');
    const [first, fingerprint] = [await alice.token(), (await alice.cookies())['__Host-shop-fp'].value];
    assert(await alice.isLoggedIn());
    const session = await alice.session();
    place.pass(TIMES.renewAfter - 1);
    assert(await alice.isLoggedIn());
    assert.equal(await alice.token(), first);
    place.pass(1);
    assert(await alice.isLoggedIn());
    assert.notEqual(await alice.token(), first);
    assert.equal((await alice.cookies())['__Host-shop-fp'].value, fingerprint);
    assert.equal(await alice.session(), session, 'it is the same login');
    await picture(alice.page, 'account');
  });

  await step('an idle session is over, and a page that needs one asks to log in', async (alice) => {
    await alice.logIn('alice', 'rabbit');
    place.pass(TIMES.idle - 1);
    assert(await alice.isLoggedIn());
    place.pass(TIMES.idle);
    assert(!(await alice.isLoggedIn()));
    assert.equal(new URL(alice.page.url()).pathname, '/login');
    await alice.go('/');
    assert.equal(await alice.page.locator('#who').count(), 0, 'the shop is open to strangers');
  });

  await step('tabs that renew at the same time stay logged in', async (alice) => {
    await alice.logIn('alice', 'rabbit');
    const tabs = await Promise.all([1, 2, 3, 4].map(() => alice.context.newPage()));
    for (let round = 0; round < 5; round += 1) {
      place.pass(TIMES.renewAfter + 5);
      const known = await Promise.all(tabs.map((tab) => alice.isLoggedIn(tab)));
      assert.deepEqual(known, [true, true, true, true]);
    }
  });

  await step('no use carries a session past its absolute end', async (alice) => {
    await alice.logIn('alice', 'rabbit');
    const every = 50;
    for (let passed = every; passed < TIMES.absolute; passed += every) {
      place.pass(every);
      assert(await alice.isLoggedIn(), `after ${passed} s`);
    }
    place.pass(every);
    assert(!(await alice.isLoggedIn()));
  });

  await step('logging out is final: the old cookies are refused', async (alice) => {
    await alice.logIn('alice', 'rabbit');
    const kept = await alice.context.cookies();
    await alice.go('/account');
    await alice.press('Log out here');
    assert.match(await alice.page.textContent('.notice'), /logged out/);
    assert.equal((await alice.context.cookies()).length, 0);
    await alice.context.addCookies(kept);
    assert(!(await alice.isLoggedIn()));
  });

  await step('logging out everywhere ends the session of another browser', async (alice) => {
    const phone = await enter({ viewport: { width: 390, height: 780 }, colorScheme: 'dark' });
    const bob = await enter();
    await alice.logIn('alice', 'rabbit');
    await phone.logIn('alice', 'rabbit');
    await picture(phone.page, 'front-phone-dark');
    await bob.logIn('bob', 'bridge');
    assert(await phone.isLoggedIn());
    await picture(phone.page, 'account-phone-dark');
    await alice.go('/account');
    await alice.press('Log out everywhere');
    assert(!(await alice.isLoggedIn()));
    assert(!(await phone.isLoggedIn()));
    assert(await bob.isLoggedIn());
    // At once, within the same second of the shop's clock:
    await phone.logIn('alice', 'rabbit');
    assert(await phone.isLoggedIn());
    for (const visitor of [phone, bob]) await visitor.context.close();
  });

  await step('a restart logs nobody out, because nothing is stored', async (alice) => {
    await alice.logIn('alice', 'rabbit');
    await alice.press('Add to basket');
    const port = Number(new URL(server.url).port);
    await place.close(server);
    server = await place.open(port);
    assert(await alice.isLoggedIn());
    assert.equal(await alice.page.textContent('#count'), '1');
  });

  await step('a second instance knows the session, and hears of a log out', async (alice) => {
    const second = await place.open();
    await alice.logIn('alice', 'rabbit');
    // Cookies know no ports, so the browser takes them there.
    alice.server = second;
    assert(await alice.isLoggedIn());
    const kept = await alice.context.cookies();
    await alice.press('Log out here');
    alice.server = server;
    await alice.context.addCookies(kept);
    assert(!(await alice.isLoggedIn()), 'the first instance refuses what the second ended');
    await place.close(second);
  });

  await step('a stolen token is worth nothing without the fingerprint', async (alice) => {
    await alice.logIn('alice', 'rabbit');
    const cookies = await alice.cookies();
    const thief = await enter();
    await thief.context.addCookies([cookies['__Host-shop']]);
    assert(!(await thief.isLoggedIn()));
    // Nor with one of another login.
    await thief.context.clearCookies();
    await thief.logIn('bob', 'bridge');
    await thief.context.addCookies([cookies['__Host-shop']]);
    assert(!(await thief.isLoggedIn()));
    await thief.context.close();
    assert(await alice.isLoggedIn());
  });

  await step('another site cannot make the browser change anything', async (alice) => {
    await alice.logIn('alice', 'rabbit');
    const evil = createServer((_, answer) => {
      answer.setHeader('content-type', 'text/html');
      answer.end(`<form method="post" action="${server.url}/logout"><input name="form_token" value="x"><button>You have won</button></form>`);
    });
    await new Promise((done) => evil.listen(0, '127.0.0.1', done));
    await alice.page.goto(`http://127.0.0.1:${evil.address().port}/`);
    const [answer] = await Promise.all([alice.page.waitForNavigation(), alice.page.click('button')]);
    assert.equal(answer.status(), 403);
    evil.close();
    assert(await alice.isLoggedIn());
    // A page of this site that does not know the session's form token fails as well.
    const status = await alice.page.evaluate(async () => {
      const body = new URLSearchParams({ form_token: 'x' });
      return (await fetch('/logout', { method: 'POST', body })).status;
    }).catch(() => 'blocked');
    assert(status === 403 || status === 'blocked', `found ${status}`);
    assert(await alice.isLoggedIn());
    alice.complaints = alice.complaints.filter((line) => !/Content Security Policy/.test(line));
  });

  await step('the keeper sees keys and revocations, and can end sessions', async (admin) => {
    const bob = await enter();
    await bob.logIn('bob', 'bridge');
    const refused = await bob.go('/admin');
    assert.equal(refused.status(), 403);
    await admin.logIn('admin', 'demo');
    await admin.go('/admin');
    const before = Number(await admin.page.textContent('#revocations'));
    assert(before > 0, 'log outs stand in the list');
    await admin.page.fill('input[name=user]', 'bob');
    await admin.press('End them');
    assert(Number(await admin.page.textContent('#revocations')) >= before);
    assert(!(await bob.isLoggedIn()));
    bob.complaints = [];
    await picture(admin.page, 'admin');
    await admin.page.emulateMedia({ colorScheme: 'dark' });
    await picture(admin.page, 'admin-dark');
    await admin.go('/');
    await picture(admin.page, 'front-dark');
    await admin.go('/login');
    await picture(admin.page, 'login-dark');
    await bob.context.close();
  });

  const complaints = visitors.flatMap((visitor) => visitor.complaints);
  assert.deepEqual(complaints, [], 'the browser complained');
}

try {
  await run();
  console.log(`${steps} steps with ${browser.version()}`);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await browser.close();
  await place.leave();
}
