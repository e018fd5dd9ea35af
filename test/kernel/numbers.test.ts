import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { kernel, memory, Stop } from '../../src/kernel/index.ts'
import { layOut } from '../../src/kernel/memory.ts'
import { gaussian, seeded } from '../sampling/rows.ts'

const ROOM = 65_536
const [laidOut] = layOut(1, ROOM)
const { logits: textAt, masses: out, views } = laidOut!
const random = seeded(11)
const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
const encoder = new TextEncoder()

interface Run {
  values: number[]
  stop: number
  /** Offsets into the text. */
  to: number
  tokenEnd: number
  expectsElement: boolean
  pendingComma: number | undefined
  exact: boolean
}

/** One call on a whole text. The bytes after it would continue any number. */
function parse(text: string, { capacity = ROOM, beforeElement = true } = {}): Run {
  const bytes = new Uint8Array(memory.buffer, textAt, ROOM)
  const { written } = encoder.encodeInto(text, bytes)
  bytes.fill(0x37, written, written + 64)
  const count = kernel.parseNumbers(textAt, textAt + written, out, capacity, beforeElement)
  const comma = kernel.pendingComma.value
  return {
    values: Array.from(views.masses.subarray(0, count)),
    stop: kernel.stopReason.value,
    to: kernel.parsedTo.value - textAt,
    tokenEnd: kernel.tokenEnd.value - textAt,
    expectsElement: kernel.expectsElement.value === 1,
    pendingComma: comma === 0 ? undefined : comma - textAt,
    exact: kernel.narrow(out, count, laidOut!.row) === 1,
  }
}

/**
 * Parses the text before the first `]` in chunks of the given sizes. A cut token is carried to the next chunk, and the
 * host rounds hard numbers. Returns undefined if the text is no array of numbers.
 */
function parseInChunks(
  text: string,
  sizes: () => number,
): { values: number[]; hard: number } | undefined {
  const bytes = encoder.encode(text)
  const place = new Uint8Array(memory.buffer, textAt, ROOM)
  const values: number[] = []
  let hard = 0
  let read = 0
  let kept = 0
  let beforeElement = true
  for (;;) {
    const part = bytes.subarray(read, read + sizes())
    place.set(part, kept)
    place.fill(0x37, kept + part.length, kept + part.length + 64)
    read += part.length
    const end = textAt + kept + part.length
    let at = textAt
    for (;;) {
      const capacity = Math.ceil(random() * 9)
      const count = kernel.parseNumbers(at, end, out, capacity, beforeElement)
      values.push(...views.masses.subarray(0, count))
      at = kernel.parsedTo.value
      beforeElement = kernel.expectsElement.value === 1
      const stop = kernel.stopReason.value
      if (stop === Stop.needsMore) break
      if (stop === Stop.hard) {
        hard++
        values.push(Number(text.slice(read - (end - at), read - (end - kernel.tokenEnd.value))))
        at = kernel.tokenEnd.value
        beforeElement = false
      } else if (stop === Stop.full) {
        expect(count).toBe(capacity)
      } else {
        const closed = stop === Stop.other && place[at - textAt] === 0x5d
        const empty = values.length === 0
        return closed && beforeElement === empty ? { values, hard } : undefined
      }
    }
    if (read === bytes.length) return undefined
    kept = end - at
    place.copyWithin(0, at - textAt, end - textAt)
  }
}

/** JSON.parse, with "-Infinity" as −∞. */
const reference = (text: string): number[] =>
  JSON.parse(text).map((element: unknown) =>
    element === '-Infinity' ? Number.NEGATIVE_INFINITY : element,
  )

/** Whether all bits are equal; −0 differs from 0. */
function expectSame(
  own: readonly number[],
  expected: readonly number[],
  tokens: readonly string[],
) {
  expect(own.length).toBe(expected.length)
  for (const [i, value] of expected.entries()) {
    if (!Object.is(own[i], value)) expect(`${tokens[i]}: ${own[i]}`).toBe(`${tokens[i]}: ${value}`)
  }
}

const double = new Float64Array(1)
const float = new Float32Array(1)
const doubleBits = new BigUint64Array(double.buffer)
const floatBits = new Uint32Array(float.buffer)

function anyDouble(): number {
  do {
    doubleBits[0] = BigInt(Math.floor(random() * 2 ** 32)) << 32n
    doubleBits[0]! |= BigInt(Math.floor(random() * 2 ** 32))
  } while (!Number.isFinite(double[0]!))
  return double[0]!
}
function anyFloat(): number {
  do floatBits[0] = random() * 2 ** 32
  while (!Number.isFinite(float[0]!))
  return float[0]!
}
function next(value: number): number {
  double[0] = value
  doubleBits[0]!++
  return double[0]!
}

const digits = (n: number) => Array.from({ length: n }, () => Math.floor(random() * 10)).join('')
const whole = () => String(BigInt(digits(1 + Math.floor(random() * 20))))
const exponentOf = (power: number) =>
  `${pick(['e', 'E'])}${power < 0 ? '-' : pick(['', '+'])}${pick(['', '', '0', '000'])}${Math.abs(power)}`

/** All decimal digits of the middle between a double and the next one. */
function halfway(value: number): string {
  // Both are below 2^60 and have at most 80 binary places, so the middle times 2^81 is an integer.
  const scaled = (x: number) => BigInt(x * 2 ** 81)
  const middle = (scaled(value) + scaled(next(value))) / 2n
  const decimal = (middle * 5n ** 81n).toString().padStart(82, '0')
  return `${decimal.slice(0, -81)}.${decimal.slice(-81)}`
}

const tokens: Record<string, () => string> = {
  'shortest doubles': () => JSON.stringify(anyDouble()),
  'shortest doubles near 1': () => JSON.stringify(gaussian(random) * 10 ** (random() * 8 - 4)),
  'float32 as double': () => JSON.stringify(anyFloat()),
  'float32 near 1': () => JSON.stringify(Math.fround(gaussian(random) * 3)),
  'float32 below 1': () => JSON.stringify(Math.fround(gaussian(random) * 10 ** (-8 * random()))),
  'bfloat16 as double': () => {
    float[0] = gaussian(random)
    floatBits[0]! &= 0xffff0000
    return JSON.stringify(float[0])
  },
  '17 digits': () => anyDouble().toPrecision(17),
  '17 digits near 1': () => (gaussian(random) * 3).toPrecision(17),
  'fixed places': () => (gaussian(random) * 1e3).toFixed(Math.floor(random() * 25)),
  exponential: () => anyFloat().toExponential(pick([undefined, 0, 3, 16, 18])),
  integers: () => `${pick(['', '-'])}${whole()}`,
  'token ids': () => String(Math.floor(random() * 10 ** Math.ceil(random() * 6))),
  'any notation': () => {
    const fraction =
      random() < 0.7
        ? `.${'0'.repeat(random() < 0.2 ? random() * 30 : 0)}${digits(1 + random() * 20)}`
        : ''
    const power =
      random() < 0.5 ? exponentOf(Math.round((random() - 0.5) * pick([4, 40, 90, 700]))) : ''
    return `${pick(['', '-'])}${pick(['0', whole()])}${fraction}${power}`
  },
  '1 to 40 digits': () => {
    const n = 1 + Math.floor(random() * 40)
    const point = Math.floor(random() * n)
    const all = digits(n)
    const before = point === 0 ? '0' : BigInt(all.slice(0, point)).toString()
    return `${before}.${all.slice(point)}${random() < 0.5 ? exponentOf(Math.round(random() * 80 - 40)) : ''}`
  },
  'halfway between doubles': () => {
    const exact = halfway(
      Math.abs(gaussian(random)) * 2 ** Math.floor(random() * 50 - 20) + 2 ** -28,
    )
    const cut = exact.replace(/0+$/, '')
    return pick([
      cut,
      `${cut}1`,
      `${cut}0000`,
      cut.slice(0, 21),
      cut.slice(0, 20),
      cut.slice(0, -1),
    ]).replace(/\.$/, '')
  },
  'halfway between integers': () => {
    // Some integers between 2^53 and 2^64 are halfway between doubles, also after multiplication by a small power of ten.
    const shift = BigInt(1 + Math.floor(random() * 10))
    const odd = ((1n << 52n) + BigInt(Math.floor(random() * 2 ** 50))) * 2n + 1n
    const power = Math.floor(random() * 5)
    const middle = (odd << shift) >> 1n
    const scaled = (middle / 5n ** 4n) * 5n ** 4n
    return pick([
      `${middle}`,
      `${middle}e${power}`,
      `${scaled}e-${power}`,
      `${middle}.0`,
      `${middle - 1n}`,
    ])
  },
  'halfway with a few places': () => {
    // An odd number of 54 bits, halved k times, has k decimal places and is no float64.
    const odd = ((1n << 52n) + BigInt(Math.floor(random() * 2 ** 52))) * 2n + 1n
    const halvings = 1 + Math.floor(random() * 4)
    const decimal = `${odd * 5n ** BigInt(halvings)}`
    const point = decimal.length - halvings
    return pick([
      `${decimal.slice(0, point)}.${decimal.slice(point)}`,
      `${decimal}e-${halvings}`,
      `-${decimal[0]}.${decimal.slice(1)}e${point - 1}`,
    ])
  },
  'minus infinity': () => '"-Infinity"',
  'small alphabet': () =>
    pick([
      '0',
      '-0',
      '0.0',
      '-0.0',
      '0e5',
      '0.000e-999',
      '1',
      '-1',
      '0.5',
      '2.5',
      '10',
      '1e999',
      '-1e999',
      '1e-400',
      '-1e-400',
    ]),
}

const boundaries = [
  ...[2 ** 53, 2 ** 53 - 1, 2 ** 53 + 2, 2 ** 63, 2 ** 64].flatMap((x) => [
    `${BigInt(x)}`,
    `${BigInt(x) + 1n}`,
    `${BigInt(x) - 1n}`,
  ]),
  ...['9007199254740993', '9007199254740993.0', '9007199254740993.00000000000000000000000001'],
  ...[
    '18446744073709551615',
    '18446744073709551616',
    '9999999999999999999',
    '99999999999999999999999',
  ],
  ...[
    '1.7976931348623157e308',
    '1.7976931348623158e308',
    '1.797693134862315807e308',
    '1.7976931348623159e308',
  ],
  ...['5e-324', '2.4703282292062327e-324', '2.4703282292062328e-324', '2.5e-324', '4.9e-324'],
  ...['2.2250738585072014e-308', '2.2250738585072011e-308', '2.225073858507201e-308'],
  ...[
    '3.4028234663852886e38',
    '3.4028235677973366e38',
    '1.401298464324817e-45',
    '1.1754943508222875e-38',
  ],
  ...[
    '1e23',
    '1e22',
    '8.5e22',
    '1e308',
    '1e309',
    '1e310',
    '0e999999999999999999999',
    '1e-343',
    '9999999999999999999e-343',
  ],
  ...[
    '1e99999999999999999999',
    '1e-99999999999999999999',
    `0.${'0'.repeat(400)}1e400`,
    `1${'0'.repeat(400)}e-400`,
  ],
  ...[
    `0.${'0'.repeat(17)}`,
    `0.${'0'.repeat(18)}1`,
    `0.${'9'.repeat(19)}`,
    `1.${'0'.repeat(16)}1`,
    '1843.9999999999999999',
    '9999.999999999999',
  ],
]

describe('parseNumbers', () => {
  it('has the right powers of five', () => {
    const url = new URL('../../src/kernel/assembly/powers.ts', import.meta.url)
    const source = readFileSync(url, 'utf8')
    const [lowest, highest] = ['LOWEST', 'HIGHEST'].map((name) =>
      Number(new RegExp(`${name}_POWER: i32 = (-?\\d+)`).exec(source)![1]),
    )
    const words = source.match(/0x[0-9a-f]{16}/g)!.map(BigInt)
    expect(words.length).toBe(2 * (highest! - lowest! + 1))
    for (let q = lowest!; q <= highest!; q++) {
      const power = 5n ** BigInt(Math.abs(q))
      const length = power.toString(2).length
      const quotient = (power << 256n) >> BigInt(length + 128)
      const reciprocal = (1n << BigInt(length + 127)) / power
      const rounded = reciprocal + 1n
      const expected = q < 0 ? rounded : quotient
      const at = 2 * (q - lowest!)
      expect((words[at]! << 64n) | words[at + 1]!, `5^${q}`).toBe(expected)
      expect(expected.toString(2).length).toBe(128)
    }
  })

  it.each(Object.keys(tokens))('agrees with JSON.parse, bit for bit: %s', (kind) => {
    for (let round = 0; round < 40; round++) {
      const list = Array.from({ length: 1 + Math.floor(random() * 250) }, () => tokens[kind]!())
      const separator = pick([',', ', ', ' ,', '\n  ,\t\r'])
      const text = `[${list.join(separator)}]`
      const whole = parseInChunks(text.slice(1), () => ROOM / 2)
      expectSame(whole!.values, reference(text), list)
    }
  })

  it('agrees with JSON.parse with any white space', () => {
    const space = () => Array.from({ length: random() * random() * 40 }, () => pick([...' \n\r\t']))
    const kinds = ['float32 near 1', 'token ids', 'minus infinity']
    for (let round = 0; round < 200; round++) {
      const list = Array.from({ length: 1 + Math.floor(random() * 90) }, () =>
        tokens[pick(kinds)]!(),
      )
      const text = `[${list.map((token) => `${space().join('')}${token}${random() < 0.1 ? ' ' : ''}`).join(',')}]`
      const size = pick([ROOM / 2, 41, 100])
      expectSame(parseInChunks(text.slice(1), () => size)!.values, reference(text), list)
    }
  })

  it.each(['\0', '\v', '\f', '!', '\x1f'])('does not accept %j as white space', (byte) => {
    for (const before of ['', ' ', '\n  ', ' '.repeat(20)]) {
      for (const element of ['7', '1.5', '"-Infinity"']) {
        const list = `${element},${'2,1.5,"-Infinity",'.repeat(4)}${before}`
        const own = parse(`${list}${byte}${element},${'1.5,'.repeat(20)}]`)
        expect(own).toMatchObject({ stop: Stop.other, to: list.length, expectsElement: true })
      }
    }
  })

  it('agrees with JSON.parse at the ends of its ranges', () => {
    for (const token of boundaries) {
      for (const text of [token, `-${token}`]) {
        const own = parseInChunks(`${text}]`, () => ROOM / 2)
        expect(own, text).toBeDefined()
        expectSame(own!.values, [JSON.parse(text)], [text])
        // Also by the fast path, which needs bytes after the number.
        const longer = parseInChunks(`${text},${'1.5,'.repeat(20)}2]`, () => ROOM / 2)
        expectSame(longer!.values.slice(0, 1), [JSON.parse(text)], [text])
      }
    }
  })

  it('agrees with JSON.parse wherever chunks end', () => {
    const space = fc.stringMatching(/^[ \n\r\t]{0,3}$/)
    const element = fc.oneof(
      fc.constantFrom(...Object.keys(tokens)).map((kind) => tokens[kind]!()),
      fc.constantFrom(...boundaries),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
    )
    fc.assert(
      fc.property(
        fc.array(fc.tuple(space, element, space), { maxLength: 60 }),
        fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1, maxLength: 20 }),
        space,
        (list, sizes, last) => {
          const text = `[${list.map((parts) => parts.join('')).join(',')}${list.length ? '' : last}]`
          let chunk = 0
          const own = parseInChunks(text.slice(1), () => sizes[chunk++ % sizes.length]!)
          expectSame(
            own!.values,
            reference(text),
            list.map(([, token]) => token),
          )
        },
      ),
      { numRuns: 1500, seed: 5 },
    )
  })

  it('accepts what JSON.parse accepts, and nothing else', () => {
    const bytes = fc.stringMatching(/^[-+0123.eE ,"x\]]{0,12}$/)
    const isNumbers = (text: string) => {
      try {
        return JSON.parse(text).every((element: unknown) => typeof element === 'number')
      } catch {
        return false
      }
    }
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 6 }), fc.boolean(), (parts, padded) => {
        const inner = parts.join(',').replaceAll(']', '')
        // With numbers around it, the fast path is tried at each number.
        const around = padded ? ['1.25,-3,', ',0.5,-1.5,12,7,3,2,1,10,11,12,13,14'] : ['', '']
        const text = `[${around[0]}${inner}${around[1]}]`
        const own = parseInChunks(text.slice(1), () => ROOM / 2)
        expect(own !== undefined, text).toBe(isNumbers(text))
        if (own) expectSame(own.values, JSON.parse(text), text.slice(1, -1).split(','))
      }),
      { numRuns: 30_000, seed: 6 },
    )
  })

  it('leaves to the host no number of up to 19 digits in float32’s range', () => {
    for (let i = 0; i < 20_000; i++) {
      const n = 1 + Math.floor(random() * 19)
      const all = `${1 + Math.floor(random() * 9)}${digits(n - 1)}`
      const power = Math.floor(random() * 83) - 45
      const text = `${all[0]}.${all.slice(1)}0e${power},${JSON.stringify(anyFloat())},${all},0]`
      const own = parseInChunks(text, () => ROOM / 2)!
      expect(own.hard, text).toBe(0)
      expectSame(own.values, reference(`[${text}`), text.split(','))
    }
  })

  it('leaves numbers far outside float32’s range to the host', () => {
    for (const number of ['1e300', '-1.5e-300', '123e-100']) {
      const own = parse(`7, ${number} ,8`)
      expect(own).toMatchObject({ values: [7], stop: Stop.hard, to: 3, expectsElement: true })
      expect(own.tokenEnd).toBe(3 + number.length)
      expect(own.pendingComma).toBe(1)
    }
  })

  it.each([
    ['01', 'malformed'],
    ['-01', 'malformed'],
    ['00', 'malformed'],
    ['-', 'malformed'],
    ['-a', 'malformed'],
    ['--1', 'malformed'],
    ['-.5', 'malformed'],
    ['-"', 'malformed'],
    ['1.', 'malformed'],
    ['1.e5', 'malformed'],
    ['1..5', 'malformed'],
    ['1.5.5', 'malformed'],
    ['1e', 'malformed'],
    ['1e+', 'malformed'],
    ['1e-', 'malformed'],
    ['1e1.5', 'malformed'],
    ['1ee5', 'malformed'],
    ['1a', 'malformed'],
    ['0x10', 'malformed'],
    ['1"', 'malformed'],
    ['1[', 'malformed'],
    ['1:', 'malformed'],
    ['1-', 'malformed'],
    ['1+1', 'malformed'],
    ['1_000', 'malformed'],
    ['1\u00a0', 'malformed'],
    ['1\0', 'malformed'],
    ['-Infinity', 'malformed'],
    ['.5', 'other'],
    ['+1', 'other'],
    ['null', 'other'],
    ['NaN', 'other'],
    ['Infinity', 'other'],
    ['[', 'other'],
    ['{', 'other'],
    [']', 'other'],
    ['}', 'other'],
    [',', 'other'],
    ['"Infinity"', 'other'],
    ['"-infinity"', 'other'],
    ['"-Infinit"', 'other'],
    ['"-Infinity', 'other'],
    ['"-InfinitY"', 'other'],
    ['""', 'other'],
    ['"', 'other'],
    ['\ufeff1', 'other'],
    ['\u00e9', 'other'],
    ['\0', 'other'],
    ['/', 'other'],
    [':', 'other'],
  ] as const)('%j is %s, with or without numbers around it', (text, stop) => {
    for (const before of ['', ' ', '1,', '1.5, ', '-0.25,1,22,333 , ']) {
      for (const after of [',', ' ,', ']', `,${'1.5,'.repeat(20)}`]) {
        const own = parse(`${before}${text}${after}`)
        expect(own.stop, `${before}${text}${after}`).toBe(Stop[stop])
        expect(own).toMatchObject({ to: before.length, expectsElement: true })
        expect(own.values).toEqual(
          before.trim() ? reference(`[${before.replace(/,\s*$/, '')}]`) : [],
        )
      }
    }
  })

  it.each([
    ['', 0],
    ['  ', 2],
    ['1', 0],
    ['-', 0],
    ['-1.', 0],
    ['-1.25', 0],
    ['1e', 0],
    ['1e-', 0],
    ['1e-5', 0],
    ['"', 0],
    ['"-Inf', 0],
    ['"-Infinity', 0],
    ['7,', 2],
    ['7, ', 3],
    ['7 ,12', 3],
    ['0.5,1.5,-3.25,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18', 50],
  ])('%j needs more from %d on', (text, to) => {
    const own = parse(text)
    const comma = text.lastIndexOf(',')
    expect(own).toMatchObject({ stop: Stop.needsMore, to, expectsElement: true })
    expect(own.pendingComma).toBe(comma < 0 ? undefined : comma)
  })

  it('reports a comma whose element has not come', () => {
    const at = (text: string, beforeElement = true) => {
      const { stop, to, expectsElement, pendingComma } = parse(text, { beforeElement })
      return [stop, to, expectsElement, pendingComma]
    }
    expect(at('1,2]')).toEqual([Stop.other, 3, false, undefined])
    expect(at('1,2 , ]')).toEqual([Stop.other, 6, true, 4])
    expect(at(`${'1.5,'.repeat(30)} ]`)).toEqual([Stop.other, 121, true, 119])
    expect(at(`${'1.5,'.repeat(30)}   ${' '.repeat(40)}]`)).toEqual([Stop.other, 163, true, 119])
    expect(at(' ]')).toEqual([Stop.other, 1, true, undefined])
    expect(at(']', false)).toEqual([Stop.other, 0, false, undefined])
    expect(at(' , ]', false)).toEqual([Stop.other, 3, true, 1])
    expect(at('1', false)).toEqual([Stop.other, 0, false, undefined])
    expect(at(' ', false)).toEqual([Stop.needsMore, 1, false, undefined])
    expect(at('"-Infinity"x')).toEqual([Stop.other, 11, false, undefined])
    expect(at('1 x')).toEqual([Stop.other, 2, false, undefined])
    expect(at('1}')).toEqual([Stop.other, 1, false, undefined])
  })

  it('writes at most as many numbers as fit', () => {
    const text = `${'1.5, '.repeat(200)}]`
    for (const capacity of [0, 1, 2, 3, 17, 150, 199]) {
      views.masses.fill(-7)
      const own = parse(text, { capacity })
      expect(own.values).toEqual(Array(capacity).fill(1.5))
      expect(own).toMatchObject({ stop: Stop.full, expectsElement: capacity === 0 })
      expect(own.to).toBe(capacity === 0 ? 0 : 5 * capacity - 2)
      expect(own.pendingComma).toBeUndefined()
      expect(views.masses[capacity]).toBe(-7)
    }
    for (let count = 1; count < 80; count++) {
      const digitsOnly = Array.from({ length: 100 }, (_, i) => i % 10).join(',')
      expect(parse(digitsOnly, { capacity: count }).to).toBe(2 * count - 1)
    }
  })

  it.each([
    ['1,2,0.5,-0,"-Infinity",1e999', true],
    ['1,2,0.5,-0,"-Infinity"', true],
    ['1,2,0.1', false],
    ['0.1,2', false],
    ['0.10000000149011612', true],
    ['0.10000000149011613', false],
    ['16777216,16777217', false],
    ['3.4028234663852886e38', true],
    ['3.4028234663852888e38', false],
    ['1e39', false],
    ['1.401298464324817e-45', true],
    ['1e-46', false],
    ['', true],
  ])('%s: whether all are float32 is %s', (text, exact) => {
    expect(parse(`${text}]`).exact).toBe(exact)
    expect(parse(`${text}${text && ','}${'1.5,'.repeat(20)}2]`).exact).toBe(exact)
  })
})
