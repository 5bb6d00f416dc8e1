# SPDX-License-Identifier: Apache-2.0
"""
As much of T-SQL as administrators' questions take: SELECT of expressions from one view with simple conditions, and the
statements that change what the tests change. Statements know the instance only by the functions they are given.
"""

import re

TOKEN = re.compile(r"""\s+|--[^\n]*|/\*.*?\*/ | (?P<text>N?'(?:[^']|'')*') | \[(?P<quoted>(?:[^\]]|\]\])+)\] |
                       "(?P<dquoted>[^"]+)" | (?P<hex>0x[0-9A-Fa-f]*) | (?P<number>\d+) |
                       (?P<word>@{0,2}[\w\#$]+) | (?P<sign><>|!=|>=|<=|.)""", re.X | re.S)
STARTS = {"SELECT", "SET", "USE", "SHUTDOWN", "ALTER", "CREATE", "DROP", "GRANT", "REVOKE", "CHECKPOINT", "BEGIN", "COMMIT",
          "ROLLBACK", "DECLARE", "EXEC", "EXECUTE", "PRINT", "IF", "WAITFOR", "RECONFIGURE", "KILL", "INSERT", "UPDATE",
          "DELETE"}


class SQLError(Exception):
    def __init__(self, number, text, severity=16):
        super().__init__(text)
        self.number, self.severity = number, severity


class Token:
    def __init__(self, kind, text):
        self.kind, self.text, self.upper = kind, text, text.upper()

    def is_word(self, *words):
        return self.kind == "word" and self.upper in words


def tokens(text):
    found = []
    for match in TOKEN.finditer(text):
        if match.lastgroup is None:
            continue
        value = match[match.lastgroup]
        if match.lastgroup == "text":
            value = value[value.index("'") + 1:-1].replace("''", "'")
        if match.lastgroup == "quoted":
            value = value.replace("]]", "]")
        found.append(Token({"quoted": "name", "dquoted": "name"}.get(match.lastgroup, match.lastgroup), value))
    return found


def statements(text):
    """The batch as lists of tokens. ALTER … SET and CREATE … SELECT are one statement: only a line's first words count."""
    out, depth = [], 0
    for token in tokens(text):
        if token.text == ";" and token.kind == "sign":
            out.append([])
            continue
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "sign" else 0
        starts = depth == 0 and token.is_word(*STARTS)
        inside = out and out[-1] and out[-1][0].is_word("ALTER", "CREATE", "DROP", "GRANT", "REVOKE", "IF", "EXEC")
        if not out or (starts and out[-1] and not (inside and token.upper in (
                "SET", "ALTER", "CREATE", "SELECT", "SHUTDOWN", "INSERT", "UPDATE", "DELETE", "BEGIN", "EXEC"))):
            out.append([])
        out[-1].append(token)
    return [statement for statement in out if statement]


class Reader:
    def __init__(self, found):
        self.tokens, self.at = found, 0

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else Token("end", "")

    def next(self):
        token = self.peek()
        self.at += 1
        return token

    def accept(self, *words):
        """The words in this order, or nothing is taken."""
        for offset, word in enumerate(words):
            where = self.at + offset
            if where >= len(self.tokens) or self.tokens[where].upper != word or self.tokens[where].kind == "text":
                return False
        self.at += len(words)
        return True

    def expect(self, *words):
        if not self.accept(*words):
            raise SQLError(102, f"Incorrect syntax near '{self.peek().text}'.", 15)

    def name(self):
        token = self.next()
        if token.kind not in ("word", "name"):
            raise SQLError(102, f"Incorrect syntax near '{token.text}'.", 15)
        return token.text

    def text(self):
        token = self.next()
        if token.kind != "text":
            raise SQLError(102, f"Incorrect syntax near '{token.text}'.", 15)
        return token.text


def split_if(reader):
    """Behind IF EXISTS (: tokens of the question, of the statement, and of the one behind ELSE."""
    parts, depth = [[], [], []], 1
    at = 0
    while reader.peek().kind != "end":
        token = reader.next()
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "sign" else 0
        if (depth == 0 and at == 0) or (depth == 0 and at == 1 and token.is_word("ELSE")):
            at += 1
        else:
            parts[at].append(token)
    if not parts[1]:
        raise SQLError(102, "Incorrect syntax near ')'.", 15)
    return parts


class Select:
    """SELECT [TOP n] expression [AS name], … [FROM view [alias] [WHERE … [AND …]] [ORDER BY column]]"""

    def __init__(self, reader, world):
        """world: variable(name), function(name, arguments), view(name) -> ({column: type}, rows)"""
        self.reader, self.world = reader, world
        self.items, self.conditions, self.order = [], [], None
        self.described, self.rows, self.limit = {}, [{}], None
        reader.expect("SELECT")
        if reader.accept("TOP"):
            reader.accept("(")
            self.limit = int(reader.next().text)
            reader.accept(")")
        start = reader.at
        self._skip_to_from()
        if reader.accept("FROM"):
            self._from()
        end, reader.at = reader.at, start
        self._list()
        reader.at = end

    def _skip_to_from(self):
        depth = 0
        while self.reader.peek().kind != "end" and not (depth == 0 and self.reader.peek().is_word("FROM")):
            depth += {"(": 1, ")": -1}.get(self.reader.next().text, 0)

    def _from(self):
        name = self.reader.name()
        while self.reader.accept("."):
            name += "." + self.reader.name()
        self.described, self.rows = self.world.view(name)
        if self.reader.accept("AS") or self.reader.peek().kind in ("word", "name") and \
                not self.reader.peek().is_word("WHERE", "ORDER"):
            self.reader.name()
        if self.reader.accept("WHERE"):
            self._condition()
            while self.reader.accept("AND"):
                self._condition()
        if self.reader.accept("ORDER", "BY"):
            self.order = self.reader.name()
        if self.reader.peek().kind != "end":
            raise SQLError(102, f"Incorrect syntax near '{self.reader.peek().text}'.", 15)

    def _condition(self):
        left, _, _ = self._expression()
        if self.reader.accept("IS"):
            negated = self.reader.accept("NOT")
            self.reader.expect("NULL")
            self.conditions.append(lambda row: (left(row) is None) != negated)
            return
        sign = self.reader.next().text
        if sign not in ("=", "<>", "!="):
            raise SQLError(102, f"Incorrect syntax near '{sign}'.", 15)
        right, _, _ = self._expression()
        self.conditions.append(lambda row: (self._same(left(row), right(row))) == (sign == "="))

    @staticmethod
    def _same(a, b):
        return None not in (a, b) and str(a).lower() == str(b).lower()

    def _list(self):
        while True:
            if self.reader.accept("*"):
                self.items += [(lambda row, c=c: row[c], kind, c) for c, kind in self.described.items()]
            else:
                value, kind, name = self._expression()
                if self.reader.accept("AS") or self.reader.peek().kind == "name":
                    name = self.reader.name()
                self.items.append((value, kind, name))
            if not self.reader.accept(","):
                return

    def _expression(self):
        """(function of a row, type, name)"""
        token = self.reader.next()
        if token.kind == "text":
            return lambda row: token.text, "nvarchar", ""
        if token.kind == "number":
            return lambda row: int(token.text), "int", ""
        if token.is_word("NULL"):
            return lambda row: None, "nvarchar", ""
        if token.is_word("CAST", "CONVERT") and self.reader.accept("("):
            return self._cast(token.upper)
        if token.is_word("COUNT") and self.reader.accept("(", "*", ")"):
            self.limit, rows = 1, self.rows
            return lambda row: len(self._matching(rows)), "int", ""
        if token.kind == "word" and token.text.startswith("@@"):
            value, kind = self.world.variable(token.upper)
            return lambda row: value, kind, ""
        if token.kind == "word" and self.reader.accept("("):
            arguments = []
            while not self.reader.accept(")"):
                arguments.append(self._expression()[0]({}))
                self.reader.accept(",")
            value, kind = self.world.function(token.upper, arguments)
            return lambda row: value, kind, ""
        if token.kind not in ("word", "name"):
            raise SQLError(102, f"Incorrect syntax near '{token.text}'.", 15)
        name = token.text
        while self.reader.accept("."):
            name = self.reader.name()
        known = {c.lower(): c for c in self.described}
        if name.lower() not in known:
            raise SQLError(207, f"Invalid column name '{name}'.")
        column = known[name.lower()]
        return lambda row: row[column], self.described[column], column

    def _cast(self, how):
        style = "0"
        if how == "CAST":
            value, kind, name = self._expression()
            self.reader.expect("AS")
            wanted = self._type()
        else:
            wanted = self._type()
            self.reader.expect(",")
            value, kind, name = self._expression()
            if self.reader.accept(","):  # style
                style = self.reader.next().text
        self.reader.expect(")")
        return lambda row: self._converted(value(row), wanted, style), wanted, ""

    def _type(self):
        name = self.reader.name().lower()
        if self.reader.accept("("):
            while not self.reader.accept(")"):
                self.reader.next()
        return {"varchar": "nvarchar", "sysname": "nvarchar", "char": "nvarchar", "nchar": "nvarchar"}.get(name, name)

    @staticmethod
    def _converted(value, wanted, style):
        if value is None:
            return None
        if wanted == "nvarchar" and isinstance(value, bytes):
            return {"1": "0x", "2": ""}[style] + value.hex().upper()
        if wanted == "nvarchar" and not isinstance(value, str):
            return value.strftime("%Y-%m-%dT%H:%M:%S") if hasattr(value, "strftime") else str(value)
        return int(value) if wanted in ("int", "bigint", "bit", "tinyint") else value

    def _matching(self, rows):
        return [row for row in rows if all(fits(row) for fits in self.conditions)]

    def result(self):
        """([(name, type)], [values])"""
        rows = self._matching(self.rows)
        if self.order:
            rows = sorted(rows, key=lambda row: str(row[self.order]))
        values = [[value(row) for value, _, _ in self.items] for row in (rows or [{}] if not self.described else rows)]
        return [(name, kind) for _, kind, name in self.items], values[:self.limit] if self.limit else values
