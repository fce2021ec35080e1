-- programs.py in Lua: the same work, written as a Lua programmer would.
local P = {}

local function fib_of(n)
  if n < 2 then return n end
  return fib_of(n - 1) + fib_of(n - 2)
end

function P.recursion() return fib_of(24) end

function P.arithmetic()
  local total = 0
  for i = 0, 999999 do total = (total + i * 3) % 1000003 end
  return total
end

local function add(a, b) return a + b end

function P.calls()
  local total = 0
  for i = 0, 999999 do total = add(total, i) end
  return total
end

function P.closures()
  local total = 0
  for i = 0, 199999 do
    local step = function(x) return x + i end
    total = step(total) % 1000003
  end
  return total
end

function P.list_append()
  local numbers = {}
  for i = 0, 999999 do numbers[#numbers + 1] = i end
  local total = 0
  for _, n in ipairs(numbers) do total = total + n end
  return total
end

function P.dict_update()
  local counts = {}
  for i = 0, 299999 do
    local key = i % 5003
    counts[key] = (counts[key] or 0) + i
  end
  local total = 0
  for key, value in pairs(counts) do total = total + value * (key % 7) end
  return total
end

function P.string_build()
  local parts = {}
  for i = 0, 299999 do parts[#parts + 1] = tostring(i) end
  return #table.concat(parts, ",")
end

function P.string_grow()
  local s = ""
  for _ = 1, 20000 do s = s .. "x" end
  return #s
end

function P.formatting()
  local n = 0
  for i = 0, 199999 do n = n + #string.format("%d-%s", i, "step") end
  return n
end

function P.sorting()
  local numbers, x = {}, 12345
  for _ = 1, 100000 do
    x = (x * 1103515245 + 12345) % 2147483648
    numbers[#numbers + 1] = x
  end
  table.sort(numbers)
  return numbers[1] + numbers[50001] + numbers[100000]
end

-- table.sort is not stable: the second field decides, as the order of insertion does in Python.
function P.sorting_by_key()
  local rows, x = {}, 12345
  for i = 0, 49999 do
    x = (x * 1103515245 + 12345) % 2147483648
    rows[#rows + 1] = { x % 1000, i }
  end
  table.sort(rows, function(a, b) return a[1] < b[1] or (a[1] == b[1] and a[2] < b[2]) end)
  return rows[1][2] + rows[25001][2] + rows[50000][2]
end

function P.comprehension()
  local squares = {}
  for i = 0, 999999 do
    if i % 3 ~= 0 then squares[#squares + 1] = i * 2 end
  end
  return #squares + squares[1001]
end

-- lua5.4 programs.lua ROUNDS: a line of name, value and processor microseconds for each, the median.
local names = {}
for name in pairs(P) do names[#names + 1] = name end
table.sort(names)
for _, name in ipairs(names) do
  local times, value = {}, nil
  for _ = 1, tonumber(arg[1]) do
    local began = os.clock()
    value = P[name]()
    times[#times + 1] = (os.clock() - began) * 1e6
  end
  table.sort(times)
  print(string.format("%s %d %.1f", name, value, times[(#times + 1) // 2]))
end
