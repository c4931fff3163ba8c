# SPDX-License-Identifier: MIT
"""Finds the decisions of a C file that can be turned, and says how.

The source is cut into tokens; comments, strings and preprocessor lines are none. Between the braces of
each function every token, condition, statement and clause that decides something becomes a mutant or a
few: a comparison moved by one or turned round, a condition negated, dropped or always true, one clause
of it dropped, && for ||, a statement or call left out, a constant one off, another state, another flag.
What only tells (traces, reasons, assertions, and conditions of nothing else) is left alone. The number
in a #define counts as a decision of the file.

A mutant is known by its file, its function and its line with the change marked in it, as in
`if (window_room [<= => <] 0) {`; not by a line number, so that it keeps its name while the code around
it is edited.
"""
import hashlib
import random
import re
import zlib

TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
      | (?P<number>0[xX][0-9a-fA-F]+[uUlL]*|[0-9]+[uUlL]*)
      | (?P<word>[A-Za-z_]\w*)
      | (?P<mark><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|.)""",
    re.X | re.S)
COMMENT_OR_STRING = re.compile(r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.S)
PREPROCESSOR = re.compile(r"^[ \t]*\#(?:[^\n\\]|\\.|\\\n)*", re.M | re.S)
DEFINED_NUMBER = re.compile(r"^[ \t]*#[ \t]*define[ \t]+\w+[ \t]+\(?[^\n]*?\b([0-9]+)[uUlL]*\b", re.M)

# What is said and not done: nobody's behaviour hangs on it but the trace's.
TELLING = re.compile(r"(tcp_)?trace\w*$|hf_cc_tell$|hf_assert\w*$|_Static_assert$|assert$")
REASON = re.compile(r"^\*?\s*(\w+->)?\w*reason\s*=[^=]")

COMPARISONS = {"<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<"),
               "==": ("!=",), "!=": ("==",)}
ARITHMETIC = {"+": "-", "-": "+", "*": "/", "/": "*", "%": "/", "<<": ">>", ">>": "<<", "&": "|",
              "|": "&", "+=": "-=", "-=": "+=", "++": "--", "--": "++"}
CALLS = {"seq_lt": ("seq_le", "seq_ge"), "seq_le": ("seq_lt", "seq_gt"), "seq_gt": ("seq_ge", "seq_le"),
         "seq_ge": ("seq_gt", "seq_lt"), "seq_eq": ("!seq_eq",), "seq_min": ("seq_max",),
         "seq_max": ("seq_min",), "min_u32": ("max_u32",), "max_u32": ("min_u32",),
         "seq_add": ("seq_sub",), "seq_sub": ("seq_add",)}
STATES = ("HF_CLOSED", "HF_LISTEN", "HF_SYN_SENT", "HF_SYN_RECEIVED", "HF_ESTABLISHED",
          "HF_FIN_WAIT_1", "HF_FIN_WAIT_2", "HF_CLOSE_WAIT", "HF_CLOSING", "HF_LAST_ACK", "HF_TIME_WAIT")
FLAGS = {"HF_SYN": "HF_FIN", "HF_FIN": "HF_SYN", "HF_RST": "HF_FIN", "HF_ACK": "HF_PSH",
         "HF_PSH": "HF_URG", "HF_URG": "HF_PSH"}
ERRORS = {"HF_ECONNRESET": "HF_ECONNREFUSED", "HF_ECONNREFUSED": "HF_ECONNRESET", "HF_EPIPE": "HF_EPROTO",
          "HF_ETIMEDOUT": "HF_ECONNRESET", "HF_ECONNABORTED": "HF_ECONNRESET", "HF_EAGAIN": "HF_ENOTCONN",
          "HF_ENOTCONN": "HF_EAGAIN", "HF_EINVAL": "HF_ENOPROTOOPT", "HF_ENOPROTOOPT": "HF_EINVAL",
          "HF_ENOMEM": "HF_ENOBUFS", "HF_ENOBUFS": "HF_ENOMEM", "HF_OK": "HF_EPROTO"}
DECLARES = {"const", "struct", "enum", "union", "static", "unsigned", "signed", "int", "char", "long",
            "short", "bool", "void", "size_t", "ptrdiff_t", "register", "volatile"}
CONTROL = {"if", "while", "for", "switch"}
OPENS, CLOSES = {"(": ")", "[": "]", "{": "}"}, {")", "]", "}"}


class Token:
    def __init__(self, kind, text, start):
        self.kind, self.text, self.start, self.end = kind, text, start, start + len(text)


class Mutant:
    """One change: `edits` are (start, end, text) in the source, `shown` the part that is named."""

    def __init__(self, kind, edits, shown):
        self.kind, self.edits, self.shown = kind, edits, shown
        self.file = self.function = self.text = self.mark = ""

    def apply(self, source):
        for start, end, text in sorted(self.edits, reverse=True):
            # Lines keep their numbers: assertions know theirs.
            lost = source.count("\n", start, end) - text.count("\n")
            source = source[:start] + text + "\n" * max(lost, 0) + source[end:]
        return source

    @property
    def key(self):
        return f"{self.file} {self.function}: {self.text}"

    @property
    def span(self):
        return self.shown[0], self.shown[1]


def without_comments(source):
    """Comments as so many spaces."""
    return COMMENT_OR_STRING.sub(
        lambda m: m[0] if m[0][0] in "\"'" else re.sub(r"[^\n]", " ", m[0]), source)


def tokens_of(source):
    """The tokens of a source without comments, preprocessor lines left out."""
    found, position = [], 0
    blanked = PREPROCESSOR.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), source)
    while position < len(blanked):
        match = TOKEN.match(blanked, position)
        if match.lastgroup != "space":
            found.append(Token(match.lastgroup, match[0], position))
        position = match.end()
    return found


def partners(tokens):
    """For each bracket's index, the index of its partner."""
    pairs, stack = {}, []
    for i, token in enumerate(tokens):
        if token.kind != "mark":
            continue
        if token.text in OPENS:
            stack.append(i)
        elif token.text in CLOSES and stack:
            pairs[i] = stack.pop()
            pairs[pairs[i]] = i
    return pairs


def functions_of(tokens, pairs):
    """(name, index of {, index of }) of each function definition."""
    found, i = [], 0
    while i < len(tokens):
        if tokens[i].text == "{":
            before = i - 1
            if tokens[before].text == ")" and tokens[pairs[before] - 1].kind == "word":
                found.append((tokens[pairs[before] - 1].text, i, pairs[i]))
            i = pairs[i]
        i += 1
    return found


class Finder:
    """The mutants of one function body."""

    def __init__(self, source, tokens, pairs, begin, end):
        self.source, self.tokens, self.pairs = source, tokens, pairs
        self.begin, self.end = begin, end
        self.mutants = []
        self.silent = set()  # tokens of what only tells

    def add(self, kind, edits, start, end, new):
        known = any(mutant.edits == edits for mutant in self.mutants)
        if not known and not any(i in self.silent for i in self.between(start, end)):
            self.mutants.append(Mutant(kind, edits, (start, end, new)))

    def between(self, start, end):
        return (i for i in range(self.begin, self.end)
                if self.tokens[i].start >= start and self.tokens[i].end <= end)

    def replace(self, kind, token, new):
        self.add(kind, [(token.start, token.end, new)], token.start, token.end, new)

    def find(self):
        starts = self.statement_starts()
        for i in starts:
            self.note_telling(i)
        for i in range(self.begin + 1, self.end):
            if self.tokens[i].text == "if":
                self.note_telling_branch(i)
        for i in starts:
            self.statement(i)
        for i in range(self.begin + 1, self.end):
            token = self.tokens[i]
            if token.kind == "word":
                self.word(i, token)
            elif token.kind == "number":
                self.number(token)
            elif token.kind == "mark":
                self.mark(i, token)
        return self.mutants

    # ---- statements

    def statement_starts(self):
        starts, i = [], self.begin + 1
        while i < self.end:
            text = self.tokens[i].text
            if text in "{};" or text in ("else", "do"):
                i += 1
            elif text in ("case", "default"):
                i = self.label_end(i) + 1
            elif text in CONTROL:
                i = self.pairs[i + 1] + 1
            else:
                starts.append(i)
                i = self.statement_end(i) + 1
        return starts

    def label_end(self, i):
        while self.tokens[i].text != ":":
            i += 1
        return i

    def statement_end(self, i):
        while self.tokens[i].text != ";":
            i = self.pairs[i] if self.tokens[i].text in OPENS else i
            i += 1
        return i

    def note_telling(self, i):
        end = self.statement_end(i)
        text = self.source[self.tokens[i].start:self.tokens[end].end]
        if TELLING.match(self.tokens[i].text) or REASON.match(text):
            self.silent.update(range(i, end + 1))

    def note_telling_branch(self, i):
        """An `if` whose one branch only tells decides nothing else."""
        closing = self.pairs[i + 1]
        if self.tokens[closing + 1].text != "{":
            return
        last = self.pairs[closing + 1]
        only_tells = all(j in self.silent for j in range(closing + 2, last))
        if last > closing + 2 and only_tells and self.tokens[last + 1].text != "else":
            self.silent.update(range(i + 1, closing + 1))

    def statement(self, i):
        first, following = self.tokens[i], self.tokens[i + 1]
        end = self.tokens[self.statement_end(i)]
        if first.text in ("break", "continue"):
            self.add("jump", [(first.start, end.start, "")], first.start, end.end, "")
        elif first.text == "return":
            if following.text == ";":
                self.add("jump", [(first.start, end.start, "")], first.start, end.end, "")
        elif not self.declares(first, following) and first.text != "goto":
            self.add("dropped", [(first.start, end.start, "")], first.start, end.end, "")

    def declares(self, first, following):
        if first.text in DECLARES:
            return True
        if first.kind != "word":
            return False
        pointer = following.text == "*" and not self.source[following.end].isspace()
        return following.kind == "word" or pointer

    # ---- words and numbers

    def word(self, i, token):
        text = token.text
        before = self.tokens[i - 1].text
        if text == "if":
            self.condition(i, ("negated", "never", "always"))
        elif text == "while" and self.tokens[i + 1].text == "(":
            self.condition(i, ("never",))
        elif text == "else" and self.tokens[i + 1].text == "{":
            self.add("else", [(token.end, token.end, " if (0)")], token.start, token.end, "no else")
        elif text == "case":
            label = self.tokens[self.label_end(i)]
            self.add("state", [(token.start, label.end, "")], token.start, label.end, "")
        elif text in STATES and before != "case":
            self.replace("state", token, STATES[(STATES.index(text) + 1) % len(STATES)])
        elif text in CALLS and self.tokens[i + 1].text == "(":
            for new in CALLS[text]:
                self.replace("comparison" if text.startswith("seq_") else "bound", token, new)
        elif text in FLAGS:
            self.replace("flag", token, FLAGS[text])
        elif text in ERRORS:
            self.replace("error", token, ERRORS[text])
        elif text in ("true", "false"):
            self.replace("truth", token, "false" if text == "true" else "true")

    def condition(self, i, ways):
        opening, closing = self.tokens[i + 1], self.tokens[self.pairs[i + 1]]
        before = {"negated": "!(", "never": "0 && (", "always": "1 || ("}
        for way in ways:
            edits = [(opening.end, opening.end, before[way]), (closing.start, closing.start, ")")]
            self.add("condition", edits, opening.end, closing.start, way)

    def number(self, token):
        digits = re.match(r"0[xX][0-9a-fA-F]+|[0-9]+", token.text)[0]
        suffix, value = token.text[len(digits):], int(digits, 0)
        self.replace("constant", token, f"{value + 1}{suffix}")
        if value > 0:
            self.replace("constant", token, f"{value - 1}{suffix}")

    # ---- operators

    def mark(self, i, token):
        text = token.text
        if text in COMPARISONS:
            for new in COMPARISONS[text]:
                self.replace("comparison", token, new)
        elif text in ("&&", "||"):
            self.replace("logic", token, "||" if text == "&&" else "&&")
            self.clause(i, token)
        elif text in ("++", "--"):
            self.replace("arithmetic", token, ARITHMETIC[text])
        elif text in ARITHMETIC and self.source[token.end].isspace():
            self.replace("arithmetic", token, ARITHMETIC[text])  # binary, by the layout
        elif text == "!":
            self.replace("negation", token, "")
        elif text == "?":
            for way, edit in (("always ?", "|| 1 "), ("never ?", "&& 0 ")):
                self.add("condition", [(token.start, token.start, edit)], token.start, token.end, way)

    def clause(self, i, token):
        """Either operand of && and || dropped, that is: replaced by what leaves the other to decide."""
        neutral = "1" if token.text == "&&" else "0"
        stop = {"&&", "||", "?", ":", ";", ",", "return", "=", "&=", "|=", "{", "}"}
        right = i + 1
        while self.tokens[right].text not in stop and self.tokens[right].text not in CLOSES:
            right = (self.pairs[right] if self.tokens[right].text in OPENS else right) + 1
        left = i - 1
        while self.tokens[left].text not in stop and self.tokens[left].text not in OPENS:
            left = (self.pairs[left] if self.tokens[left].text in CLOSES else left) - 1
        for first, last in ((i + 1, right - 1), (left + 1, i - 1)):
            start, end = self.tokens[first].start, self.tokens[last].end
            self.add("clause", [(start, end, neutral)], start, end, neutral)


def named(source, mutants):
    """Names each mutant by its text, and those of equal text in one function by their order."""
    seen = {}
    for mutant in mutants:
        start, end, new = mutant.shown
        line_start = source.rfind("\n", 0, start) + 1
        line_end = source.find("\n", end)
        old = " ".join(source[start:end].split())
        line = f"{source[line_start:start]}[{old} => {new}]{source[end:line_end]}"
        mutant.text = " ".join(line.split()).replace("=> ]", "=>]")
        count = seen[mutant.key] = seen.get(mutant.key, 0) + 1
        if count > 1:
            mutant.text += f" #{count}"
    return mutants


def mark_of(text):
    """Tells a function from what it was before an edit, layout and comments apart."""
    return f"{zlib.crc32(' '.join(text.split()).encode()):08x}"


def mutants_of(source, file):
    """All mutants of a file, by function: {name: [Mutant]}. Those of #defines are `#define`'s."""
    source = without_comments(source)
    tokens = tokens_of(source)
    pairs = partners(tokens)
    found, marks = {}, {"#define": mark_of(source)}
    for match in DEFINED_NUMBER.finditer(source):
        value = int(match[1])
        found.setdefault("#define", []).extend(
            Mutant("constant", [(match.start(1), match.end(1), str(new))],
                   (match.start(1), match.end(1), str(new))) for new in (value + 1, value // 2) if new != value)
    for name, begin, end in functions_of(tokens, pairs):
        found.setdefault(name, []).extend(Finder(source, tokens, pairs, begin, end).find())
        marks[name] = mark_of(source[tokens[begin].start:tokens[end].end])
    for name, mutants in found.items():
        for mutant in mutants:
            mutant.file, mutant.function, mutant.mark = file, name, marks[name]
        named(source, mutants)
    return {name: mutants for name, mutants in found.items() if mutants}


def in_order(mutants, seed):
    """The order in which a function's mutants are drawn: by a hash, each kind in its share, and no
    place a second time before every place had its first."""
    def score(mutant):
        return hashlib.sha256(f"{seed} {mutant.key}".encode()).digest()

    kinds = {}
    for mutant in sorted(mutants, key=score):
        kinds.setdefault(mutant.kind, []).append(mutant)
    spread = [((rank + 0.5) / len(group), score(mutant), mutant)
              for group in kinds.values() for rank, mutant in enumerate(group)]
    first, again, taken = [], [], set()
    for _, _, mutant in sorted(spread, key=lambda entry: entry[:2]):
        (again if mutant.span in taken else first).append(mutant)
        taken.add(mutant.span)
    return first + again


def shares(sizes, total, seed):
    """`total` spread over `sizes`: one each, the rest in proportion, by largest remainders. Where there
    are more sizes than that, one for as many of them, drawn by the seed."""
    if total < len(sizes):
        drawn = set(random.Random(f"shares {seed}").sample(range(len(sizes)), total))
        return [int(i in drawn) for i in range(len(sizes))]
    left = total - len(sizes)
    exact = [size * left / sum(sizes) for size in sizes]
    parts = [1 + int(value) for value in exact]
    order = sorted(range(len(sizes)), key=lambda i: (int(exact[i]) - exact[i], i))
    for i in order[:left - sum(map(int, exact))]:
        parts[i] += 1
    return parts
