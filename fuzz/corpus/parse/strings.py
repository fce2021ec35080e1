# strings
'a' "b" '''c''' """d"""
r'\n' R"\n" u'x' U"x" '\'' "\"" '\\' '\a\b\f\n\r\t\v\0\1\12\123\777\x41\u00e9\U0001F600'
'\q \. \8 \_ \{'
'a\
b'
'''a\
b
c'''
"""quotes " and "" inside"""
'''it''s'''
r'\''
r"\
"
''
'' ''
("a"
 'b'  # comment
 "c")
