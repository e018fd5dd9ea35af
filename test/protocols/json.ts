import fc from 'fast-check'
import { Problem } from '../../src/errors.ts'
import { DecodedText, decodeBase64, NumberList } from '../../src/fields/long-values.ts'
import { JsonReader } from '../../src/protocols/json/reader.ts'
import { joinBytes } from '../../src/tensors/bytes.ts'

/** Makes JSON as texts, so that different spellings of the same value occur. */

const digits = (constraints: fc.StringConstraints) =>
  fc.string({ unit: fc.constantFrom(...'0123456789'), ...constraints })

const written = fc
  .tuple(
    fc.constantFrom('', '', '-'),
    fc.oneof(
      fc.constant('0'),
      digits({ maxLength: 25 }).map((rest) => `1${rest}`),
      fc.nat().map(String),
    ),
    fc.oneof(
      fc.constant(''),
      digits({ minLength: 1, maxLength: 30 }).map((some) => `.${some}`),
    ),
    fc.oneof(
      { weight: 3, arbitrary: fc.constant('') },
      fc
        .tuple(
          fc.constantFrom('e', 'E', 'e+', 'E-', 'e-0'),
          fc.oneof(fc.nat(40), fc.nat(400), fc.nat(9999)),
        )
        .map(([sign, exponent]) => `${sign}${exponent}`),
    ),
  )
  .map((parts) => parts.join(''))

const finite = { noNaN: true, noDefaultInfinity: true }

export const numberText = fc.oneof(
  { weight: 4, arbitrary: fc.float(finite).map(String) },
  { weight: 2, arbitrary: fc.double(finite).map(String) },
  fc.double(finite).map((value) => value.toPrecision(17)),
  fc.integer().map(String),
  written,
  // More digits than are carried between chunks, halfway between two float64.
  digits({ minLength: 60, maxLength: 300 }).map((some) => `0.${some}`),
  fc.constantFrom('-0', '0e0', '9007199254740993', '1e999', '-1e999', '5e-324', '2.4703282e-324'),
)

const escaped = fc.oneof(
  fc.constantFrom('\\"', '\\\\', '\\/', '\\b', '\\f', '\\n', '\\r', '\\t', '\\ud83d\\ude00'),
  // Some are lone surrogates.
  fc.nat(0xffff).map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`),
  fc.constantFrom('\\u0041', '\\u002F', '\\uD800', '\\uDfFf'),
)
const plain = fc.string({ unit: 'grapheme' }).map((text) => JSON.stringify(text).slice(1, -1))
const characters = fc
  .array(fc.oneof(plain, escaped), { maxLength: 6 })
  .map((parts) => parts.join(''))

const base64Text = fc
  .uint8Array({ minLength: 700, maxLength: 1500 })
  .map((bytes) => bytes.toBase64())
const longText = fc
  .tuple(
    fc.oneof(
      base64Text,
      base64Text.map((text) => text.replaceAll('/', '\\/')),
      base64Text.map((text) => text.replaceAll('A', '\\u0041').replaceAll('=', '\\u003d')),
      fc
        .string({ unit: 'grapheme', minLength: 600, maxLength: 1200 })
        .map((text) => JSON.stringify(text).slice(1, -1)),
    ),
    fc.oneof({ weight: 3, arbitrary: fc.constant('') }, characters, fc.constantFrom(' ', 'A', '=')),
    fc.nat(),
  )
  .map(([text, foreign, place]) => {
    // Never between a backslash and its character.
    const at = text.indexOf('\\') < 0 ? place % (text.length + 1) : text.length
    return text.slice(0, at) + foreign + text.slice(at)
  })

const quoted = (text: fc.Arbitrary<string>) => text.map((inner) => `"${inner}"`)

/** V8's JSON.parse confuses a key that has an escape with an earlier key at the same place that has a backslash. */
const key = quoted(
  fc.oneof(
    fc.constantFrom('a', 'b', '\\u0061', '__proto__', 'constructor', '1', '0', ''),
    characters.map((text) => text.replace(/\\\\|\\u005c/gi, '')),
  ),
)

const scalar = fc.oneof(
  { weight: 3, arbitrary: numberText },
  { weight: 2, arbitrary: quoted(characters) },
  fc.constantFrom('true', 'false', 'null', '"-Infinity"', '"\\u002dInfinity"'),
  quoted(longText),
)

/** The tokens of items joined by commas. */
function separated(items: readonly (readonly string[])[]): string[] {
  return items.flatMap((item, index) => (index === 0 ? item : [',', ...item]))
}

const item = fc.oneof(
  { weight: 30, arbitrary: numberText },
  { weight: 3, arbitrary: fc.constant('"-Infinity"') },
)

/** A list that is too long to stay an array, mostly of numbers. */
const longList = fc
  .tuple(
    fc.array(item, { minLength: 55, maxLength: 200 }),
    fc.array(fc.tuple(fc.nat(), scalar), { maxLength: 2 }),
  )
  .map(([items, others]) => {
    for (const [place, other] of others) items[place % items.length] = other
    return ['[', ...separated(items.map((one) => [one])), ']']
  })

const { value } = fc.letrec<{ value: string[] }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    scalar.map((one) => [one]),
    longList,
    fc.array(tie('value'), { maxLength: 5 }).map((items) => ['[', ...separated(items), ']']),
    fc
      .array(fc.tuple(key, tie('value')), { maxLength: 5 })
      .map((entries) => ['{', ...separated(entries.map(([name, of]) => [name, ':', ...of])), '}']),
  ),
}))

const space = fc.oneof(
  { weight: 5, arbitrary: fc.constant('') },
  fc.string({ unit: fc.constantFrom(' ', '\n', '\r', '\t'), maxLength: 3 }),
)

/** The tokens of a JSON text, with white space between them. */
export const tokens = fc
  .tuple(value, fc.array(space, { minLength: 1, maxLength: 9 }))
  .map(([all, spaces]) =>
    all.flatMap((token, index) => [spaces[index % spaces.length]!, token]).concat(spaces[0]!),
  )

/** Lengths of chunks, which are used in turn. */
export const chunkLengths = fc.oneof(
  fc.constant([1]),
  fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 2000 })), {
    minLength: 1,
    maxLength: 9,
  }),
  fc.constant([65_536]),
)

/** The value of a text that is read in chunks. */
export function read(text: string | Uint8Array, lengths: readonly number[] = [65_536]): unknown {
  const bytes = Buffer.from(text as string)
  const reader = new JsonReader()
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const length = lengths[i % lengths.length]!
    reader.push(bytes.subarray(at, at + length))
    at += length
  }
  return reader.end()
}

/** The code and detail of the problem with which the reader refuses a text. */
export function refusal(text: string, lengths?: readonly number[]): string {
  try {
    read(text, lengths)
  } catch (error) {
    if (error instanceof Problem) return `${error.code}: ${error.message}`
    throw error
  }
  return 'none'
}

/** Whether a read value equals that of JSON.parse, as far as the reader keeps it. */
export function isSame(got: unknown, expected: unknown): boolean {
  if (got instanceof NumberList) return Array.isArray(expected) && areNumbers(got, expected)
  if (got instanceof DecodedText) {
    if (typeof expected !== 'string' || got.length !== expected.length) return false
    const bytes = decodeBase64(/^\S*$/.test(expected) ? expected : '*')
    if (!got.bytes || !bytes) return got.bytes === bytes
    return Buffer.compare(joinBytes(got.bytes), joinBytes(bytes)) === 0
  }
  if (Array.isArray(got) && Array.isArray(expected)) {
    return got.length === expected.length && got.every((one, i) => isSame(one, expected[i]))
  }
  // In a list, numbers below float64's range become "-Infinity", too.
  if (got === '-Infinity' && expected === Number.NEGATIVE_INFINITY) return true
  if (typeof got !== 'object' || got === null) return Object.is(got, expected)
  if (typeof expected !== 'object' || expected === null) return false
  const [mine, theirs] = [Object.entries(got), Object.entries(expected)]
  return (
    Object.getPrototypeOf(got) === Object.prototype &&
    mine.length === theirs.length &&
    mine.every(([name, one], i) => name === theirs[i]![0] && isSame(one, theirs[i]![1]))
  )
}

function areNumbers(got: NumberList, expected: readonly unknown[]): boolean {
  const numbers = got.elements.toFloat64()
  const upTo = got.fault?.index ?? expected.length
  return (
    got.length === expected.length &&
    numbers.length === upTo &&
    numbers.every((number, i) => {
      const one = expected[i]
      return Object.is(number, one === '-Infinity' ? Number.NEGATIVE_INFINITY : one)
    }) &&
    (!got.fault || isSame(got.fault.value, expected[upTo]))
  )
}
