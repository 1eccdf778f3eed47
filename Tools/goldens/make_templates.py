#!/usr/bin/env python3
"""Snippets of chat templates, and what `transformers` renders of them.

Writes Tests/JinjaTests/Goldens/snippets.json:

    versions   of jinja2, transformers
    date       the moment that strftime_now formats
    variables  what every snippet is given
    snippets   template, and either output, or error: true where compiling or rendering raises
"""
import datetime
import json
import pathlib

import jinja2
import transformers
import transformers.utils.chat_template_utils as chat_templates

PATH = pathlib.Path(__file__).resolve().parents[2] / "Tests/JinjaTests/Goldens/snippets.json"
NOW = datetime.datetime(2026, 3, 7, 15, 4, 9)

DATA = {
    "s": "Hello, wörld", "blank": "  a b\t c \n", "empty": "", "n": 7, "neg": -7, "zero": 0, "x": 2.5, "big": 1e16,
    "tiny": 1e-5, "yes": True, "no": False, "nil": None, "list": [3, 1, 2], "words": ["b", "A", "c", "a"],
    "nested": [[1, [2, 3]], [4]], "d": {"b": 1, "a": [1, "x", None, True, 2.0], "C": {"k": "v"}}, "quotes": "it's \"so\"",
    "lines": "one\ntwo\r\n\nthree\n", "greek": "ΑΣΟΣ ΣΑ", "html": "<a href=\"x\">&'",
    "people": [{"name": "Ann", "age": 31, "tags": ["x"]}, {"name": "bob", "age": 25, "tags": []},
               {"name": "Cid", "age": 31, "tags": ["x", "y"]}, {"name": "ann", "age": 4}],
    "tree": [{"v": 1, "kids": [{"v": 2, "kids": []}, {"v": 3, "kids": [{"v": 4, "kids": []}]}]}, {"v": 5, "kids": []}],
    "messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yo", "items": [1]}],
    "emoji": "👩‍👩‍👧 é", "ctrl": "a\u0001\u200b\u00a0\U000e0001z",
}

EXPRESSIONS = """
1 + 2 * 3 - 4 / 2
7 // 2
-7 // 2
7 // -2
7 % 3
-7 % 3
7 % -3
-7.5 // 2
-7.5 % 2
7.5 % -2
2 ** 10
2 ** -1
-2 ** 2
2 ** 3 ** 2
2 ** 0.5
1 / 3
10 / 5
1 / 0
1 // 0
1 % 0
1.0 % 0
0 ** -1
1_000 + 0x1F + 0b101 + 0o17
1.5e3
1e-7
1e16
123456789012345678.0
1e22
0.1 + 0.2
100.0
1e15
12345678901234567
-0.0
+yes
-yes
+s
-s
s + 1
1 + s
s + nil
list + [4]
list + 1
(1, 2) + (3,)
[1] + (2,)
'ab' * 3
3 * 'ab'
'ab' * -1
[1, 2] * 2
(1,) * 2
'a' 'b' "c"
'a' ~ 1 ~ none ~ true ~ 2.0 ~ [1]
1 ~ 2 + 3
missing ~ 'x'
missing + 'x'
'x' + missing
missing.attribute
missing['item']
missing()
missing[0:1]
missing == missing
missing == none
missing < 1
missing and 1
missing or 'else'
not missing
d.missing
d.missing.again
d['missing']
d.b
d['b']
d.a[1]
d.a.1
d.C.k
d['C']['k']
d.items
d.keys()
d.values()
d.items()
d.items()[0]
d.get('b')
d.get('zz')
d.get('zz', 5)
d.get()
d.copy()
d.update({})
d.pop('b')
d.__class__
s.__class__
list.append(1)
list.append
list.index(1)
list.index(9)
list.count(3)
list.copy()
messages[1].items
messages[1]['items']
messages[0].content
messages[-1].role
messages[5]
messages[5].role
list[0]
list[-1]
list[3]
list['x']
list[1.0]
list[true]
list[1:]
list[:-1]
list[::-1]
list[::2]
list[5:]
list[-2:]
list[:0]
list['a':]
list[::0]
s[0]
s[-3:]
s[::-1]
s[1:8:2]
s[-100:100]
s[100]
(1, 2, 3)[1:]
range(5)[1:3]
range(5)
range(1, 10, 3)
range(5)|list
range(5, 0, -2)|list
range(0)|list
range(200000)
range(5)|length
3 in range(5)
nested
d
d.a
(1,)
()
[]
{}
(1, 'a', none)
{1: 'a', 2.5: 'b', none: 'c', true: 'd', (1, 2): 'e'}
{'a': 1, 'a': 2}
{[1]: 2}
[quotes, s, blank, ctrl, emoji]
["it's", 'say "x"', 'both \\' and "', '\\\\', '\\n\\t\\r\\x00\\x7f']
['\\xe9', '\\u4f60', '\\U0001F600', '\\101', '\\q']
1 == 1.0
1 == true
'a' == 'a'
[1, 2] == [1, 2]
[1] == (1,)
{'a': 1} == {'a': 1.0}
none == false
1 != 2
1 < 2 < 3
1 < 3 < 2
3 > 2 >= 2
'a' < 'b'
'a' < 1
[1, 2] < [1, 3]
none < 1
1 in list
9 in list
'a' in d
'C' in d
'ell' in s
1 in s
1 not in list
not 1 in list
'x' in missing
1 in none
none in [none]
yes and no
no and missing
yes or missing
0 or [] or {} or '' or 'last'
1 and 2
not not 1
not yes == no
'a' if yes
'a' if no
'a' if no else 'b'
'a' if no else 'b' if no else 'c'
('a' if no).x
[1, 2, 3]|length
s|length
d|length
5|length
none|length
missing|length
s|upper
s|lower
s|title
s|capitalize
'foo bar-baz (qux) {a} <b> [c] d\\'e'|title
'hello wORLD ǆ'|capitalize
5|upper
none|upper
missing|upper
greek|lower
greek.lower()
'ß ŉ ﬁ'|upper
'ǆa'.title()
'ǆa'.capitalize()
"they're bill's".title()
'aBc ß'.swapcase()
'Straße ẞ İ Σς'.casefold()
blank|trim
blank.strip()
blank.lstrip()
blank.rstrip()
'xxaxbxx'.strip('x')
'xyaxyxb'.strip('xy')
'xyaxyxb'|trim('xy')
'abc'.strip('')
'\\u3000a\\u2003\\u001c'.strip()
blank.split()
blank.split(none, 1)
blank.rsplit(none, 1)
'a,b,,c'.split(',')
'a,b,,c'.split(',', 1)
'a,b,,c'.rsplit(',', 1)
'a,b,,c'.split(sep=',', maxsplit=2)
'a--b--c'.split('--')
'aaa'.split('aa')
'aaa'.rsplit('aa')
'a'.split('')
''.split()
''.split(',')
'abc'.partition('b')
'abcb'.rpartition('b')
'abc'.partition('z')
'abc'.rpartition('z')
lines.splitlines()
lines.splitlines(true)
lines.splitlines(keepends=true)
'a\\u2028b\\x0bc\\x1cd'.splitlines()
''.splitlines()
'a-b-c'.replace('-', '+')
'a-b-c'.replace('-', '+', 1)
'abc'.replace('', '.')
'abc'.replace('', '.', 2)
''.replace('', 'x')
'aaa'.replace('aa', 'b')
'abc'|replace('b', 'x')
'abcb'|replace('b', 'x', 1)
123|replace(2, 5)
'abc'.replace('b')
'abc'.replace(1, 2)
s.find('l')
s.rfind('l')
s.find('zz')
s.find('l', 3)
s.find('l', 4, 5)
s.index('o')
s.index('zz')
s.rindex('o')
s.count('l')
s.count('')
'aaaa'.count('aa')
'abc'.find('')
'abc'.find('', 3)
'abc'.find('', 4)
'abc'.rfind('')
s.startswith('He')
s.startswith(('x', 'He'))
s.startswith('l', 2)
s.endswith('ld')
s.endswith(('x', 'ld'))
s.endswith('')
s.startswith(1)
s.removeprefix('Hel')
s.removeprefix('x')
s.removesuffix('ld')
', '.join(words)
''.join([])
','.join([1, 2])
'-'.join('abc')
','.join(d)
'a'.center(5) ~ '|'
'ab'.center(5, '*')
'abc'.center(6, '*')
'a'.ljust(4, '.') ~ '|'
'a'.rjust(4, '.')
'a'.rjust(4, 'xx')
'5'.zfill(3)
'-5'.zfill(4)
'abc'.zfill(2)
'a\\tb'.expandtabs(4)
'abc'.isalpha()
'ab1'.isalnum()
'ab1'.isalpha()
'12'.isdigit()
'²'.isdigit()
'½'.isnumeric()
'²'.isdecimal()
'٣'.isdecimal()
'你好'.isalpha()
' \\t'.isspace()
''.isspace()
'Abc Def'.istitle()
'ABC'.isupper()
'abc1'.islower()
'1'.islower()
'é'.isascii()
''.isascii()
'a_1'.isidentifier()
'a\\n'.isprintable()
s.nothing
s.nothing()
'{} and {}'.format(1, 'b')
'{1}{0}'.format('a', 'b')
'{x}-{y}'.format(x=1, y=2)
'{0.b}'.format(d)
'{0[b]}'.format(d)
'{0[1]}'.format(list)
'{:>5}|{:<5}|{:^5}|{:*^7}'.format('a', 'b', 'c', 'd')
'{:05d}|{:+d}|{:,}|{:x}|{:#X}|{:b}|{:o}'.format(42, 42, 1234567, 255, 255, 5, 8)
'{:.2f}|{:8.3f}|{:e}|{:g}|{:%}|{:,.1f}'.format(3.14159, 2.5, 12345.678, 0.00001, 0.25, 12345.67)
'{!r} {!s}'.format('a', 'b')
'{:.2}'.format('abc')
'{{}} {}'.format(1)
'{'.format(1)
'}'.format(1)
'{}'.format()
'{a}'.format(b=1)
'{:d}'.format('a')
'{} {}'.format(none, [1])
'{:5}|{:5}'.format(1, 'a')
'{0}{}'.format(1)
'%s and %r' % ('a', 'b')
'%d %i %5d|%-5d|%05d|%+d' % (1, 2, 3, 4, 5, 6)
'%x %X %o %#x' % (255, 255, 8, 255)
'%.2f %f %e %g %G' % (3.14159, 2.5, 12345.678, 1e-10, 1e20)
'%s' % 5
'%s' % [1, 2]
'%s %s' % (1,)
'%s' % (1, 2)
'%(a)s-%(b)05.1f' % {'a': 1, 'b': 2}
'%(zz)s' % {'a': 1}
'100%%' % ()
'%c%c' % ('a', 98)
'%5s|%-5s|%.2s' % ('a', 'b', 'cde')
'%d' % 'a'
'%d' % 3.9
'%q' % 1
'%' % ()
'plain' % ()
'plain' % 1
'%s' % missing
'%*d' % (5, 1)
'%s-%s'|format('a', 'b')
'%(a)s'|format(a=1)
x|round
2.567|round(2)
2.5|round
3.5|round
2.675|round(2)
1234.5|round(-2)
7|round
17|round(-1)
2.1|round(0, 'ceil')
2.9|round(0, 'floor')
2.123|round(2, 'ceil')
-2.5|round(0, 'floor')
5|round(1, 'ceil')
2.5|round(0, 'odd')
1e300|round(2)
-5|abs
neg|abs
(-2.5)|abs
'a'|abs
missing|abs
'42'|int
'42.7'|int
'x'|int
'x'|int(5)
'0x1F'|int(0, 16)
'0x1F'|int
'11'|int(base=2)
' 12 '|int
'1_000'|int
2.9|int
-2.9|int
none|int
true|int
[1]|int(3)
missing|int
'2.5'|float
'x'|float
'x'|float(1.5)
3|float
'1e3'|float
'inf'|float
'nan'|float
none|float
missing|float(2)
5|string
none|string
[1]|string
missing|string
x|default(1)
missing|default(1)
missing|default
''|default('e')
''|default('e', true)
none|d('e')
none|d('e', boolean=true)
missing|d(missing)
d.missing|default('m')
list|first
[]|first
''|first
missing|first
none|first
s|first
d|first
list|last
[]|last
s|last
d|last
missing|last
(list|select)|last
list|max
list|min
[]|max
words|max
words|min
words|max(case_sensitive=true)
people|map(attribute='age')|max
people|max(attribute='age')
[1, 'a']|max
list|sum
[]|sum
[1.5, 2]|sum
people|sum(attribute='age')
list|sum(start=10)
words|sum
[[1], [2]]|sum(start=[])
list|sort
words|sort
words|sort(case_sensitive=true)
list|sort(reverse=true)
people|sort(attribute='age')|map(attribute='name')|list
people|sort(attribute='age,name')|map(attribute='name')|list
people|sort(true, attribute='age')|map(attribute='name')|list
[1, 'a']|sort
'cab'|sort
d|sort
d|dictsort
d|dictsort(true)
{'b': 1, 'a': 2}|dictsort(false, 'value')
{'b': 1, 'a': 2}|dictsort(by='value', reverse=true)
{'b': 1}|dictsort(by='x')
list|dictsort
words|unique|list
words|unique(true)|list
people|unique(attribute='age')|map(attribute='name')|list
[[1], [1]]|unique|list
list|reverse|list
s|reverse
d|reverse|list
(list|reverse)|length
list|join
list|join(', ')
people|join('|', attribute='name')
[1, none, missing, 'a']|join('-')
none|join
missing|join
s|join('.')
list|join(1)
s|list
d|list
none|list
d|items|list
missing|items|list
list|items|list
list|map('string')|list
words|map('upper')|join
['a b', 'c']|map('replace', 'a', 'x')|list
people|map(attribute='name')|list
people|map(attribute='tags.0')|list
people|map(attribute='tags', default=[])|list
people|map(attribute='none', default='z')|list
list|map|list
list|map('nothing')|list
list|map(attribute='a', other=1)|list
missing|map('upper')|list
[[1, 2], [3]]|map('sum')|list
[[1, 2], [3]]|map(attribute=0)|list
[1, 2, 3, 4]|select('odd')|list
[1, 2, 3, 4]|reject('odd')|list
[0, 1, '', 'a']|select|list
[0, 1, '', 'a']|reject|list
[1, 2, 3]|select('gt', 1)|list
[1, 2, 3]|select('>=', 2)|list
[1, 2, 3]|select('divisibleby', 3)|list
[1, 2, 3]|select('in', [1, 2])|list
[1, 2]|select('nothing')|list
people|selectattr('age', 'eq', 31)|map(attribute='name')|list
people|selectattr('tags')|map(attribute='name')|list
people|rejectattr('tags')|map(attribute='name')|list
people|selectattr('tags', 'defined')|map(attribute='name')|list
people|rejectattr('tags', 'undefined')|map(attribute='name')|list
messages|selectattr('role', 'equalto', 'user')|list|length
messages|selectattr('role', 'equalto', 'user')|length
(messages|selectattr('x'))|first
true if messages|selectattr('x') else false
true if missing|selectattr('x') else false
people|groupby('age')|list
people|groupby('age')|map(attribute='grouper')|list
people|groupby('name')|map('first')|list
people|groupby('name', case_sensitive=true)|map('first')|list
people|groupby('tags', default='')|length
people|groupby('zz', default='none')
[1, 2, 3, 4, 5]|batch(2)|list
[1, 2, 3, 4, 5]|batch(2, 'x')|list
[1, 2, 3, 4, 5]|slice(2)|list
[1, 2, 3, 4, 5]|slice(3, 'x')|list
[1]|slice(0)|list
list|batch
lines|indent
lines|indent(2)
lines|indent(2, true)
lines|indent(width=2, first=true, blank=true)
lines|indent('> ')
'a\\n\\nb'|indent(2, blank=true)
5|indent
missing|indent
'a b c d e f'|truncate(7)
'a b c d e f'|truncate(7, true)
'abcdefghijkl'|truncate(7, leeway=0)
'abcdefghijkl'|truncate(7, true, '…', 0)
'abcdef'|truncate(7)
'abcdef'|truncate(2)
s|center(20) ~ '|'
s|wordcount
'a-b c_d é1'|wordcount
'a b/ü?&'|urlencode
{'a b': 'c/d', 'e': 1}|urlencode
[['a', 'b'], ('c', '&')]|urlencode
html|e
html|escape
html|forceescape
html|e|e
html|e|forceescape
(html|e) + '<'
'<' + (html|e)
(html|e) ~ '<'
html|safe
('<b>'|safe) + '<'
[html|e]
(html|e)|upper
(html|e) is escaped
html is escaped
s|attr('upper')
d|attr('b')
d|attr('items')
list|tojson
d|tojson
quotes|tojson
html|tojson
ctrl|tojson
emoji|tojson
emoji|tojson(ensure_ascii=true)
'\\u2028\\x7f/'|tojson
'\\u2028\\x7f/'|tojson(true)
none|tojson
true|tojson
1.0|tojson
1e100|tojson
'inf'|float|tojson
missing|tojson
d.keys()|tojson
(1, 2)|tojson
{1: 2, 2.5: 3, none: 4, true: 5}|tojson
{(1, 2): 3}|tojson
d|tojson(indent=2)
d|tojson(indent=4, sort_keys=true)
d|tojson(sort_keys=true)
d|tojson(separators=(',', ':'))
d|tojson(indent='--')
d|tojson(indent=0)
[]|tojson(indent=2)
{}|tojson(indent=2)
[[], {}]|tojson(indent=2)
range(3)|tojson
namespace(a=1)|tojson
namespace(a=1)
namespace(a=1).a
namespace({'a': 2}, b=3).a
namespace(a=1).b
namespace(a=1)['a']
namespace(_a=1)
dict(a=1, b='x')
dict({'a': 1}, b=2)
dict([('a', 1)])
dict(1)
cycler('a', 'b').next()
joiner(', ')()
1 is defined
missing is defined
missing is undefined
d.zz is defined
none is none
missing is none
1 is not none
1 is number
1.5 is number
true is number
'1' is number
1 is integer
true is integer
1.0 is integer
1.0 is float
true is boolean
1 is boolean
true is true
1 is true
false is false
'a' is string
(html|e) is string
d is mapping
list is mapping
list is sequence
s is sequence
d is sequence
1 is sequence
range(3) is sequence
missing is sequence
d.keys() is sequence
list is iterable
s is iterable
1 is iterable
none is iterable
missing is iterable
(list|map('string')) is iterable
d.items is callable
range is callable
missing is callable
1 is callable
3 is odd
3 is even
'a' is odd
6 is divisibleby 3
6 is divisibleby(4)
6 is divisibleby 0
'abc' is lower
'ABC' is upper
1 is lower
1 is eq 1
1 is == 1
1 is sameas 1
none is sameas none
true is sameas 1
1 is in [1, 2]
3 is not in [1, 2]
2 is gt 1
2 is lt(1)
'upper' is filter
'nope' is filter
'odd' is test
'nope' is test
1 is defined and 2 is defined
1 is defined == true
1 is in
-1|abs
-x|string|length
'a'|upper ~ 'b'|upper
(1, 2)|length
not missing is defined
1 is nothing
1|nothing
nothing(1)
s.upper
strftime_now('%Y-%m-%d %H:%M:%S')
strftime_now('%d %b %Y')
strftime_now('%A, %B %e, %-d %j %y %I %p %a %m %-m %% %U %W %u %w')
strftime_now('%c|%x|%X|%D|%F|%T|%R')
raise_exception('no')
raise_exception()
[1, 2, 3].__len__()
''.join(['a', 'b'])|upper
"a" "b"|upper
{'a': 1}.a
{'items': 1}.items
{'items': 1}['items']
{'get': 1}['get']
messages|map(attribute='content')|join(' / ')
messages|length - 1
(messages|last).content
s.split(',')[0]|upper
s.split(',')|last|trim
'<think>x</think>y'.split('</think>')[-1].lstrip('\\n')
'a' in 'abc' and 'd' not in 'abc'
[1,2,3][-1:][0]
words[1:]|join|lower
'%s'|format(s)
[missing, none]
{'a': missing}
(missing,)
1 if missing is defined and missing.x else 2
[1, 2,]
(1, 2,)
{'a': 1,}
[,]
1 +
)
[1, 2
'abc
{'a' 1}
a b
1 2
x.
x|
x is
f(a=1, 2)
f(**d, *list)
1 if
not
*list
"\\x4"
"\\N{DASH}"
$
'a' ? 'b'
a = 1
1..2
0777
d . b
list [0]
s . upper ( )
"""

TEMPLATES = [
    "a\n", "a\n\n", "a\r\nb\rc\r\n", "", "\n", "  {{ 1 }}  ", "a {{- 1 -}} b", "a {{+ 1 +}} b", "a\n{{ 1 }}\nb",
    "{% if true %}\n  a\n{% endif %}\nb", "  {% if true %}\n  a\n  {% endif %}\nb", "x  {% if true %}a{% endif %}  y",
    "  {%+ if true %}\n  a\n  {%+ endif %}\nb", "{% if true +%}\n a{% endif +%}\n b", "{%- if true -%}\n a \n{%- endif -%}\n b",
    "\t{# c #}\n  x", "a {#- c -#} b", "a\n  {#+ c +#}\nb", "{# multi\nline #}\nb", "{# {{ no }} #}x", "a{##}b", "{# open",
    "{% raw %}{{ x }}{% endraw %}", "{% raw %}\n a {% if %}\n{% endraw %}\nb", "  {%- raw -%}  {{ x }}  {%- endraw -%}  b",
    "  {% raw %}x\n  {% endraw %}\n y", "{% raw %}x", "a\n  {% raw %} b {% endraw %} c",
    "{{ '{{' }}", "{{ '}}' }}", "{{ '%}' }}", "{{ {'a': {'b': 1}} }}", "{{ {'a': {'b': 1}}}}", "{% set x = {'a': 1} %}{{ x }}",
    "{{ 1 }", "{{ 1", "{% if true", "{{ }}", "{% %}", "{ { % } }", "{{ 1 }}}", "{{{ 1 }}", "a { b } c % d",
    "{% set x = 1 %}{{ x }}", "{% set x, y = 1, 2 %}{{ x }}{{ y }}", "{% set (x, y) = list[:2] %}{{ x }}{{ y }}", "{% set x, y = 1 %}",
    "{% set x, y = 1, 2, 3 %}", "{% set x = 1, 2 %}{{ x }}", "{% set x %}a{{ n }}b{% endset %}{{ x }}|{{ x|length }}",
    "{% set x|upper %}abc{% endset %}{{ x }}", "{% set x | replace('a', 'b') | upper %}aca{% endset %}{{ x }}",
    "{% set x = x + 1 %}{{ x }}", "{% set none = 1 %}", "{% set 1 = 1 %}", "{% set x %}",
    "{% set ns = namespace(a=1) %}{% set ns.a = ns.a + 1 %}{{ ns.a }}", "{% set d.b = 1 %}", "{% set ns = namespace() %}{% set ns._a = 1 %}",
    "{% set ns = namespace(a=1, b=2) %}{% set ns.a, ns.b = ns.b, ns.a %}{{ ns.a }}{{ ns.b }}", "{% set ns.a = 1 %}",
    "{% set ns = namespace(x='') %}{% for i in list %}{% set ns.x = ns.x ~ i %}{% endfor %}{{ ns.x }}",
    "{% set ns = namespace() %}{% set ns.x %}body{% endset %}{{ ns.x }}",
    "{% if yes %}a{% elif no %}b{% else %}c{% endif %}", "{% if no %}a{% elif yes %}b{% else %}c{% endif %}",
    "{% if no %}a{% elif no %}b{% else %}c{% endif %}", "{% if no %}a{% endif %}", "{% if yes %}a", "{% if %}a{% endif %}",
    "{% if yes %}a{% else %}b{% else %}c{% endif %}", "{% endif %}", "{% else %}", "{% if (1, 2) %}t{% endif %}", "{% if yes: %}a{% endif %}",
    "{% if yes %}{% set x = 1 %}{% endif %}{{ x }}", "{% if no %}{% set s = 1 %}{% endif %}{{ s }}", "{% if no %}{% set q = 1 %}{% endif %}{{ q is defined }}",
    "{% for i in list %}{{ i }},{% endfor %}", "{% for i in [] %}a{% else %}b{% endfor %}", "{% for i in list %}a{% else %}b{% endfor %}",
    "{% for i in missing %}a{% else %}none{% endfor %}", "{% for i in none %}a{% endfor %}", "{% for i in 5 %}{% endfor %}", "{% for c in s %}{{ c }}.{% endfor %}",
    "{% for k in d %}{{ k }}{% endfor %}", "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}", "{% for k, v in d|items %}{{ k }};{% endfor %}",
    "{% for k, v in d|dictsort %}{{ k }};{% endfor %}", "{% for a, b in [(1, 2), [3, 4]] %}{{ a }}{{ b }};{% endfor %}", "{% for a, b in [1] %}{% endfor %}",
    "{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}", "{% for i in 1, 2, 3 %}{{ i }}{% endfor %}", "{% for i in (1) %}{% endfor %}",
    "{% for i in list if i > 1 %}{{ i }}{{ loop.index }}{{ loop.length }}{% endfor %}", "{% for i in list if i > 5 %}a{% else %}none{% endfor %}",
    "{% for m in messages if m.role == 'user' %}{{ m.content }}{{ loop.last }}{% endfor %}",
    "{% for i in list %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth }}{{ loop.depth0 }};{% endfor %}",
    "{% for i in list %}{{ loop.previtem }}<{{ i }}>{{ loop.nextitem }};{% endfor %}", "{% for i in list %}{{ loop.previtem is defined }}{{ loop.nextitem is defined }}{% endfor %}",
    "{% for i in list %}{{ loop.cycle('a', 'b') }}{% endfor %}", "{% for i in list %}{{ loop.cycle() }}{% endfor %}", "{% for i in [1, 1, 2, 2, 1] %}{{ loop.changed(i) }}{% endfor %}",
    "{% for i in list|select %}{{ loop.length }}{{ loop.last }}{{ loop.revindex }}{% endfor %}", "{% for i in list|map('string') %}{{ loop.nextitem }}{{ loop.length }}|{% endfor %}",
    "{% for i in list %}{{ loop }}{{ loop.zz }}{% endfor %}", "{% for i in list %}{{ loop(1) }}{% endfor %}", "{{ loop }}", "{{ loop.index }}",
    "{% for i in list %}{% for j in words %}{{ loop.index }}{% endfor %}{{ loop.index }};{% endfor %}", "{% for loop in list %}{{ loop }}{% endfor %}",
    "{% for i in list %}{% set outer = loop %}{% for j in [1, 2] %}{{ outer.index }}{{ loop.index }}{% endfor %}{% endfor %}",
    "{% for i in list recursive %}{{ i }}{% endfor %}", "{% for n in tree recursive %}{{ n.v }}{{ loop.depth }}{% if n.kids %}({{ loop(n.kids) }}){% endif %}{% endfor %}",
    "{% for n in tree if n.v != 3 recursive %}{{ n.v }}{{ loop(n.kids) }}{% else %}.{% endfor %}",
    "{% for n in tree recursive %}{% set c = n.v %}{{ loop(n.kids) }}{{ c }}{% endfor %}",
    "{% for i in [1, 2, 3, 4] %}{% if i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %}", "{% for i in [1, 2, 3] %}{% if i == 2 %}{% continue %}{% endif %}{{ i }}{% endfor %}",
    "{% for i in [1, 2] %}{% break %}{% else %}e{% endfor %}", "{% for i in [1, 2] %}{% continue %}{% else %}e{% endfor %}", "{% for i in [1, 2] %}{% if i == 2 %}{% break %}{% endif %}x{% else %}e{% endfor %}",
    "{% break %}", "{% for i in [] %}{% else %}{% break %}{% endfor %}", "{% for i in [1, 2] %}{% for j in [] %}{% else %}{% break %}{% endfor %}{{ i }}{% endfor %}",
    "{% for i in [1, 2] %}{% set x %}a{% break %}{% endset %}{{ i }}{% endfor %}", "{% for i in [1, 2] %}{% filter upper %}a{% if i == 1 %}{% continue %}{% endif %}{% endfilter %}{{ i }}{% endfor %}",
    "{% for i in [1, 2] %}{% with a = i %}{{ a }}{% continue %}{% endwith %}no{% endfor %}", "{% for i in [1] %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}",
    "{% for i in [1, 2] %}{% generation %}{{ i }}{{ loop.index }}{% endgeneration %}{% endfor %}", "{% generation %}{% set q = 1 %}{{ q }}{% endgeneration %}{{ q }}",
    "{% for i in list %}{% set q = i %}{% endfor %}{{ q }}", "{% set q = 0 %}{% for i in list %}{% set q = q + i %}{{ q }}{% endfor %}{{ q }}",
    "{% set q = 'o' %}{% for i in list %}{{ q }}{% set q = 'i' %}{{ q }}{% endfor %}{{ q }}", "{% for i in list %}{% if loop.first %}{% set q = 1 %}{% endif %}{{ q is defined }}{% endfor %}",
    "{% for s in list %}{{ s }}{% endfor %}{{ s }}", "{% for i in list %}{{ i }}{% endfor %}{{ i is defined }}", "{% for i in list %}{% set s = s ~ i %}{{ s }};{% endfor %}{{ s }}",
    "{% if yes %}{% for i in list %}{% set s = i %}{% endfor %}{{ s }}{% endif %}",
    "{% macro f(a, b=2) %}{{ a }}-{{ b }}{% endmacro %}{{ f(1) }} {{ f(1, 3) }} {{ f(b=1, a=0) }} {{ f() }}",
    "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(1, 2) }}", "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(b=2) }}", "{% macro f(a) %}{{ a.x }}{% endmacro %}{{ f() }}",
    "{% macro f() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1, 2, x=3) }}", "{% macro f(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ f(1) }}{{ f(1, 2) }}",
    "{% macro f(a=1, b) %}{% endmacro %}", "{% macro f(a) %}{{ a }}{% endmacro %}{{ f }}{{ f.name }}{{ f.arguments }}", "{{ f() }}{% macro f() %}x{% endmacro %}",
    "{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}", "{% macro f() %}{{ s }}{% set s = 1 %}{{ s }}{% endmacro %}{{ f() }}{{ s }}",
    "{% set v = 1 %}{% macro f() %}{{ v }}{% endmacro %}{% set v = 2 %}{{ f() }}", "{% macro f() %}{{ v }}{% endmacro %}{{ f() }}{% set v = 2 %}{{ f() }}",
    "{% macro f() %}{{ n }}{% endmacro %}{{ f() }}{% set n = 2 %}{{ f() }}", "{% for i in list %}{% macro f() %}{{ i }}{% endmacro %}{{ f() }}{% endfor %}",
    "{% macro f() %}  {{ caller() }}  {% endmacro %}{% call f() %}x{% endcall %}", "{% macro f() %}{{ caller(1, 2) }}{% endmacro %}{% call(a, b=5) f() %}{{ a }}{{ b }}{% endcall %}",
    "{% macro f() %}{{ caller is defined }}{% endmacro %}{{ f() }}", "{% macro f() %}{{ caller() }}{% endmacro %}{{ f() }}", "{% macro f() %}x{% endmacro %}{% call f() %}y{% endcall %}",
    "{% macro f(caller) %}{{ caller() }}{% endmacro %}{{ f() }}", "{% macro f(a) %}{{ a }}{{ caller() }}{% endmacro %}{% call f('v') %}{{ s }}{% endcall %}", "{% call s %}x{% endcall %}",
    "{% macro f(**kw) %}{% endmacro %}", "{{ f(1) if f is defined else 'none' }}", "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}b{% endmacro %}{{ a() }}",
    "{% macro f(x) %}{% for i in x %}{{ loop.index }}{{ i }}{% endfor %}{% endmacro %}{{ f(list)|upper ~ f(words) }}", "{% macro f(a, *b) %}{% endmacro %}",
    "{% macro f(x) %}{{ x }}{% endmacro %}{{ f(*[1]) }}{{ f(**{'x': 2}) }}{{ f(*list) }}", "{% macro f(x) %}{{ x }}{% endmacro %}{{ f(1, x=2) }}",
    "{% filter upper %}a{{ s }}b{% endfilter %}", "{% filter replace('a', 'b')|upper %}aca{% endfilter %}", "{% filter nothing %}a{% endfilter %}", "{% filter indent(2) %}a\nb{% endfilter %}",
    "{% with a = 1, b = 2 %}{{ a }}{{ b }}{% endwith %}{{ a }}", "{% with a = 1 %}{% set c = a %}{% endwith %}{{ c }}", "{% set a = 0 %}{% with a = 1, b = a %}{{ b }}{% endwith %}", "{% with %}{% set c = 1 %}{{ c }}{% endwith %}",
    "{% print 1, s %}", "{% include 'x' %}", "{% extends 'x' %}", "{% import 'x' as y %}", "{% from 'x' import y %}", "{% nothing %}", "{% do list %}",
    "{% if no %}{{ 1|nothing }}{% endif %}ok", "{% if yes %}{{ 1|nothing }}{% endif %}ok", "{{ 1|nothing if no }}ok", "{% if no %}{{ 1 is nothing }}{% endif %}ok",
    "{% for i in [] %}{{ 1|nothing }}{% endfor %}", "{% if no %}{% for i in [] %}{{ 1|nothing }}{% endfor %}{% endif %}",
    "{% set g = list|map('string') %}{% for i in g %}{{ i }}{% endfor %}{% for i in g %}{{ i }}{% endfor %}|{{ g|list }}", "{% set g = list|select('odd') %}{{ g|first }}{{ g|list }}",
    "{% set c = cycler('a', 'b', 'c') %}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ c.reset() }}{{ c.next() }}", "{% set j = joiner('+') %}{% for i in list %}{{ j() }}{{ i }}{% endfor %}",
    "{% set x = [] %}{% set x = x + [1] %}{{ x }}", "{% set _ = list.append(4) %}", "{% if list.append %}y{% else %}n{% endif %}", "{% set x = d %}{% set y = x.update %}{{ y }}",
    "{%- for m in messages -%}\n<|{{ m['role'] }}|>\n{{ m['content'] | trim }}\n{%- endfor -%}\n{%- if add_generation_prompt -%}\n<|a|>\n{%- endif -%}",
    "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('alternate!') }}{% endif %}{{ '[INST] ' + m['content'] + ' [/INST]' if m['role'] == 'user' else m['content'] }}{% endfor %}",
    "{% if messages[0]['role'] == 'system' %}{% set sys = messages[0]['content'] %}{% else %}{% set sys = false %}{% endif %}{{ sys }}",
    "{% set ns = namespace(found=false) %}{% for m in messages[::-1] %}{% if not ns.found and m.role == 'user' %}{% set ns.found = loop.index0 %}{% endif %}{% endfor %}{{ ns.found }}",
    "{{ messages | tojson(indent=4) }}", "{% for m in messages %}{% for k, v in m.items() if k != 'role' %}{{ k }}{{ v }}{{ ',' if not loop.last }}{% endfor %}{% endfor %}",
    "{% set a = 1 %}{% set b %}{% set a = 2 %}{{ a }}{% endset %}{{ a }}{{ b }}", "{% if yes %}{% macro f() %}x{% endmacro %}{% endif %}{{ f() }}", "{% if no %}{% macro f() %}x{% endmacro %}{% endif %}{{ f is defined }}",
    "{% for i in [1] %}{% macro f() %}x{% endmacro %}{% endfor %}{{ f is defined }}", "{{ (lambda) }}",
    "{% for i in [1, 2] %}{% if i == 2 %}{{ q }}{% endif %}{% set q = i %}{% endfor %}", "{% for i in [1, 2] %}{{ n }}{% set n = n + 1 %}{{ n }};{% endfor %}{{ n }}",
    "{% set x = 1 %}{% if yes %}{% set x = 2 %}{% for i in [1] %}{% set x = 3 %}{{ x }}{% endfor %}{{ x }}{% endif %}{{ x }}",
    "{{ namespace(a=1) == namespace(a=1) }}", "{% set a = namespace(x=1) %}{% set b = a %}{% set b.x = 2 %}{{ a.x }}{{ a == b }}", "{% set a = namespace(x=1) %}{{ dict(a) if no else a }}",
    "{{ [1, 2, 3]|map('nothing')|list if no else 'fine' }}", "line1{% if yes %}\n\nline2{% endif %}\n", "{{ 'a\nb' }}", "{{ 'a\\\nb' }}", "{{ \"a\r\nb\" }}",
    "{{- ' x ' -}}", "{{ ' x ' -}}   {#- c -#}   y", "a\n   {%- set q = 1 %}\n   b", "a   {%- set q = 1 -%}   b", "\n\n{% set q = 1 %}\n\nb", "   {% set q = 1 %} {% set r = 2 %}\nb",
]


def outcome(template):
    try:
        return {"output": chat_templates._compile_jinja_template(template).render(**DATA)}
    except Exception:
        return {"error": True}


class Fixed(datetime.datetime):
    @classmethod
    def now(cls, zone=None):
        return cls(*NOW.timetuple()[:6])


def main():
    chat_templates.datetime = Fixed
    expressions = [line for line in EXPRESSIONS.split("\n") if line.strip()]
    sources = [f"{{{{ {line} }}}}" for line in expressions] + TEMPLATES
    snippets = [{"template": source, **outcome(source)} for source in dict.fromkeys(sources)]
    # What prints the address of an object prints something else every time.
    snippets = [snippet for snippet in snippets if " at 0x" not in snippet.get("output", "")]
    written = {
        "versions": {"jinja2": jinja2.__version__, "transformers": transformers.__version__},
        "date": list(NOW.timetuple()[:6]), "variables": DATA, "snippets": snippets}
    lines = json.dumps(written, ensure_ascii=True, indent=1)
    PATH.parent.mkdir(parents=True, exist_ok=True)
    PATH.write_text(lines + "\n")
    print(f"{len(snippets)} snippets, {sum('error' in snippet for snippet in snippets)} of them errors")


if __name__ == "__main__":
    main()
