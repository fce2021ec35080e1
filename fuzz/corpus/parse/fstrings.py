f'{x=}' f'{x = }' f'{ x =!r:^20}' f'{x=:>5}' f'{x=!s}' f'{x = !r}'
f'{x==y}' f'{x!=y}' f'{x<=y}' f'{x>=y}' f'{x<y}' f'{x>y}' f'{x==y=}'
f'{a["b"]}' f"{a['b']}" f'{f"{x}"}' f"""{f'''{f"{f'{1}'}"}'''}"""
f'{lambda_}' f'{(lambda x: 1)}' f'{(x:=5)}' f'{x:=5}'
f'{ {1: 2}[1] }' f'{ {1, 2} }' f'{[i for i in x]}' f'{i for i in x}'
f'{a, b}' f'{*a, b}' f'{a if b else c}' f'{not a}' f'{-a}'
f'''{
x
}'''
f'''{
x:{
w}}'''
f'\{6}' f'\\{6}' f'\n{6}\t' rf'\{6}' fr'\n{6}' Rf'{x}\n' f'{x}\x41\u00e9'
'a' f'b{x}c' 'd' f'e' r'\n'
f'{x:%H:%M}' f'{x:{"{"}>10}' f"{x:'>10}" f'{x:\n}'
f'{"a" "b"}' f'{x!r}}}' f'{{{{' f'{3.14:!<10}'
f'{x  }' f'{  x}' f'{x,}' f'{...}' f'{""}'
