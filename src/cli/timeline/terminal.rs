//! The drawing in a terminal.

use tokenwright::UnixTime;
use tokenwright::keyring::Plan;

use super::Style;
use super::axis::Axis;
use super::lanes::{Lane, NAME_WIDTH, Phase, lanes};
use crate::cli::escape::Escaped;
use crate::cli::times;

/// Narrowest terminal with room for a drawing, and the widest that is filled, in columns.
const WIDTHS: (usize, usize) = (60, 200);

/// What one column of a key's row shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    Blank,
    In(Phase),
    Refused,
    Gone,
    Now,
}

impl Cell {
    /// The legend, in its order.
    const ALL: [(Self, &str); 7] = [
        (Self::In(Phase::Published), "published"),
        (Self::In(Phase::Signs), "signs and verifies"),
        (Self::In(Phase::Verifies), "verifies"),
        (Self::In(Phase::Suspended), "suspended"),
        (Self::Refused, "refused from here"),
        (Self::Gone, "gone"),
        (Self::Now, "now"),
    ];

    /// A key verifies while it is shown as published or signing, too.
    fn character(self, unicode: bool) -> char {
        let (wide, ascii) = match self {
            Self::Blank => (' ', ' '),
            Self::In(Phase::Published) => ('░', '-'),
            Self::In(Phase::Signs) => ('█', '#'),
            Self::In(Phase::Verifies) => ('▒', '='),
            Self::In(Phase::Suspended) => ('≈', '~'),
            Self::Refused => ('✗', 'X'),
            Self::Gone => ('·', '.'),
            Self::Now => ('│', '|'),
        };
        if unicode { wide } else { ascii }
    }

    /// Parameters of the escape sequence that chooses the colour.
    fn colour(self) -> &'static str {
        match self {
            Self::Blank => "0",
            Self::In(Phase::Published) => "36",
            Self::In(Phase::Signs) => "34",
            Self::In(Phase::Verifies) => "33",
            Self::In(Phase::Suspended) => "35",
            Self::Refused => "1;31",
            Self::Gone => "2",
            Self::Now => "1",
        }
    }
}

/// The plan as rows of a drawing `width` columns wide, each with its line feed.
///
/// One row for each key; from 60 columns up to 200 are used, and where there are
/// fewer it is a list. Nothing foreign reaches the terminal as a command.
pub(crate) fn draw(plan: &Plan, now: UnixTime, width: usize, style: Style) -> String {
    let omission = if style.unicode { "…" } else { ".." };
    let lanes = lanes(plan, now, omission);
    if lanes.is_empty() {
        return "no keys\n".to_owned();
    }
    if width < WIDTHS.0 {
        return list(&lanes);
    }
    let sheet = Sheet::new(plan, now, width.min(WIDTHS.1), style);
    let rows: Vec<Vec<Cell>> = lanes.iter().map(|lane| sheet.row(lane)).collect();
    let mut text = sheet.title(plan);
    for (lane, row) in lanes.iter().zip(&rows) {
        sheet.write_row(&lane.name, row, &mut text);
    }
    sheet.write_axis(&mut text);
    sheet.write_legend(&rows, now, &mut text);
    text
}

/// Every phase on a line of its own, for terminals too narrow to draw in.
fn list(lanes: &[Lane]) -> String {
    let mut text = String::new();
    for lane in lanes {
        text.push_str(&lane.name);
        text.push('\n');
        for span in &lane.spans {
            let word = match span.phase {
                Phase::Published if lane.standby => "standby",
                Phase::Published => "published",
                Phase::Signs => "signs",
                Phase::Verifies => "verifies",
                Phase::Suspended => "suspended",
            };
            text.push_str(&format!("  {word:9} {}\n", times::rfc3339(span.from)));
        }
        if let Some(gone) = lane.gone_at {
            let word = if lane.refused { "refused" } else { "gone" };
            text.push_str(&format!("  {word:9} {}\n", times::rfc3339(gone)));
        }
    }
    text
}

/// The surface: names on the left, then `columns` of time with one more for now.
struct Sheet {
    axis: Axis,
    columns: usize,
    now: usize,
    style: Style,
}

impl Sheet {
    fn new(plan: &Plan, now: UnixTime, width: usize, style: Style) -> Self {
        let axis = Axis::of(plan, now);
        let columns = width.saturating_sub(NAME_WIDTH).saturating_sub(3);
        let mut sheet = Self {
            axis,
            columns,
            now: 0,
            style,
        };
        sheet.now = sheet.column(now) as usize;
        sheet
    }

    fn column(&self, time: UnixTime) -> f64 {
        (self.axis.fraction(time) * self.columns as f64).floor()
    }

    fn row(&self, lane: &Lane) -> Vec<Cell> {
        let width = self.columns as f64;
        let placed = lane.place(&self.axis, |time| self.column(time), width, 1.0);
        let mut row = vec![Cell::Blank; self.columns];
        for phase in &placed {
            fill(&mut row, phase.from, phase.to, Cell::In(phase.phase));
        }
        if let Some(gone) = lane.gone_at.filter(|gone| *gone < self.axis.end) {
            let from = placed
                .last()
                .map_or_else(|| self.column(gone), |last| last.to);
            fill(&mut row, from, width, Cell::Gone);
            if lane.refused && gone > self.axis.start {
                fill(&mut row, from, from + 1.0, Cell::Refused);
            }
        }
        // A column of its own: the line of the present hides nothing.
        row.insert(self.now.min(row.len()), Cell::Now);
        row
    }

    fn title(&self, plan: &Plan) -> String {
        let (dash, dot) = if self.style.unicode {
            ("–", "·")
        } else {
            ("-", "|")
        };
        let ring: String = plan.ring.chars().take(60).collect();
        format!(
            "{} {dot} {} {dash} {} {dot} UTC\n",
            Escaped(&ring),
            times::day(self.axis.start),
            times::day(self.axis.end)
        )
    }

    fn write_row(&self, name: &str, row: &[Cell], text: &mut String) {
        let padding = NAME_WIDTH.saturating_sub(name.chars().count());
        text.push_str(name);
        text.extend(std::iter::repeat_n(' ', padding.saturating_add(2)));
        let last = row.iter().rposition(|cell| *cell != Cell::Blank);
        let shown = row
            .iter()
            .take(last.map_or(0, |last| last.saturating_add(1)));
        let mut before = Cell::Blank;
        for cell in shown {
            if *cell != before {
                self.choose(*cell, text);
            }
            text.push(cell.character(self.style.unicode));
            before = *cell;
        }
        if before != Cell::Blank {
            self.choose(Cell::Blank, text);
        }
        text.push('\n');
    }

    fn choose(&self, cell: Cell, text: &mut String) {
        if self.style.colour {
            // A change of colour begins with a reset: bold and dim would stay on.
            text.push_str("\x1b[0m");
            if cell != Cell::Blank {
                text.push_str(&format!("\x1b[{}m", cell.colour()));
            }
        }
    }

    /// A ruler with dates below it, and the present on it.
    fn write_axis(&self, text: &mut String) {
        let (line, notch, here) = if self.style.unicode {
            ('─', '┬', '┼')
        } else {
            ('-', '+', '|')
        };
        let mut ruler = vec![line; self.columns.saturating_add(1)];
        let mut labels: Vec<char> = Vec::new();
        for tick in self.axis.ticks(self.columns) {
            let column = self.column(tick.at) as usize;
            let column = column.saturating_add(usize::from(column >= self.now));
            let end = column.saturating_add(tick.label.chars().count());
            if column < labels.len().saturating_add(usize::from(!labels.is_empty()))
                || end > ruler.len()
            {
                continue;
            }
            if let Some(place) = ruler.get_mut(column) {
                *place = notch;
            }
            labels.resize(column, ' ');
            labels.extend(tick.label.chars());
        }
        if let Some(place) = ruler.get_mut(self.now) {
            *place = here;
        }
        let indent = " ".repeat(NAME_WIDTH.saturating_add(2));
        text.push_str(&indent);
        text.extend(ruler);
        text.push('\n');
        text.push_str(&indent);
        text.extend(labels);
        text.push('\n');
    }

    /// What the characters mean, of those that appear.
    fn write_legend(&self, rows: &[Vec<Cell>], now: UnixTime, text: &mut String) {
        let width = self.columns.saturating_add(NAME_WIDTH).saturating_add(3);
        let mut used: usize = 0;
        for (cell, word) in Cell::ALL {
            if !rows.iter().any(|row| row.contains(&cell)) {
                continue;
            }
            let entry = match cell {
                Cell::Now => format!("{word} {}", times::rfc3339(now)),
                Cell::Blank | Cell::In(_) | Cell::Refused | Cell::Gone => word.to_owned(),
            };
            let length = entry.chars().count().saturating_add(2);
            let with_gap = used.saturating_add(length).saturating_add(3);
            if used > 0 && with_gap > width {
                text.push('\n');
                used = 0;
            } else if used > 0 {
                text.push_str("   ");
                used = used.saturating_add(3);
            }
            self.choose(cell, text);
            text.push(cell.character(self.style.unicode));
            self.choose(Cell::Blank, text);
            text.push_str(&format!(" {entry}"));
            used = used.saturating_add(length);
        }
        text.push('\n');
    }
}

fn fill(row: &mut [Cell], from: f64, to: f64, cell: Cell) {
    let (from, to) = (from as usize, to as usize);
    let length = to.saturating_sub(from);
    for place in row.iter_mut().skip(from).take(length) {
        *place = cell;
    }
}
