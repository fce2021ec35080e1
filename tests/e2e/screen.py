"""A terminal of the few sequences that plue writes: what a person would see, and what has scrolled away."""
import re

SEQUENCE = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])")


class Screen:
    def __init__(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.lines, self.gone = [""], []
        self.row = self.column = 0

    def resize(self, rows, columns):
        """As terminals do that break lines anew: what no longer fits scrolls away, and comes back into room."""
        broken = [line[i:i + columns] or "" for line in self.lines for i in range(0, max(len(line), 1), columns)]
        self.rows, self.columns = rows, columns
        cut = max(0, len(broken) - rows)
        back = min(max(0, rows - len(broken)), len(self.gone))
        broken = self.gone[len(self.gone) - back:] + broken
        del self.gone[len(self.gone) - back:]
        self.gone += broken[:cut]
        self.lines = broken[cut:]
        self.row = len(self.lines) - 1
        self.column = min(self.column, columns - 1)

    def put(self, character):
        if self.column == self.columns:
            self.newline()
            self.column = 0
        line = self.lines[self.row].ljust(self.column)
        self.lines[self.row] = line[:self.column] + character + line[self.column + 1:]
        self.column += 1

    def newline(self):
        self.row += 1
        if self.row == len(self.lines):
            self.lines.append("")
        if len(self.lines) > self.rows:
            self.gone.append(self.lines.pop(0))
            self.row -= 1

    def obey(self, numbers, letter):
        if letter == "A":
            self.row = max(0, self.row - int(numbers or 1))
        elif letter == "H":
            self.row = self.column = 0
        elif letter == "K":
            self.lines[self.row] = self.lines[self.row][:self.column]
        elif letter == "J":
            self.lines[self.row] = self.lines[self.row][:self.column]
            del self.lines[self.row + 1:]
        elif letter not in "mlh":
            raise AssertionError(f"a sequence that nobody knows: {numbers}{letter}")

    def feed(self, text):
        at = 0
        while at < len(text):
            sequence = SEQUENCE.match(text, at)
            if sequence:
                self.obey(*sequence.groups())
                at = sequence.end()
                continue
            character = text[at]
            at += 1
            if character == "\n":
                self.newline()
            elif character == "\r":
                self.column = 0
            else:
                if character < " ":
                    raise AssertionError(f"a control character: {character!r}")
                self.put(character)

    @property
    def text(self):
        return "\n".join(line.rstrip() for line in self.lines)
