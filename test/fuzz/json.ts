import fc from 'fast-check'
import type { Fields } from './requests.ts'

/** Documents of valid JSON with arbitrary contents, and documents of invalid JSON. */

const deep = (levels: number, open: string, close: string) =>
  `${open.repeat(levels)}1${close.repeat(levels)}`

/** Texts that replace a value. */
const values = fc.oneof(
  fc.constantFrom(
    ...['null', 'true', '{}', '[]', '""', '[[]]', '[{}]', '{"a":1}', '"-Infinity"', '"NaN"'],
    ...['0', '-0', '-1', '0.5', '1e999', '-1e999', '1e-999', '1e308', '9007199254740993', '256'],
    ...['18446744073709551616', '4294967296', `1${'0'.repeat(400)}`, `0.${'1'.repeat(2000)}`],
    ...['NaN', 'Infinity', '-', '01', '1.', '.5', '+1', '0x10', '1e', "'a'", 'nul', 'undefined'],
    ...['"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', '"\\x"', '"\\', '"\ud83d\ude00"', '"\t"'],
    ...['"__proto__"', '"constructor"', '{"__proto__":{"temperature":0}}', '{"constructor":{}}'],
    ...['{"toString":1,"valueOf":1}', '[{"toString":1,"valueOf":1}]', '{"length":9,"0":1}'],
    ...['{"then":1}', '{"toJSON":1}', '{"vocab_size":1}', '{"dtype":"float32"}', '[null]'],
    ...[deep(1023, '[', ']'), deep(1030, '[', ']'), deep(5000, '[', ']'), deep(800, '{"a":', '}')],
    ...['[', '{', '{"a"', '{"a":', '[1,', '[1 2]', '[1,]', '{"a":1,}', '{,}', '1 1', '/* */1'],
    `[${'1,'.repeat(5000)}1]`,
    `[${'1,'.repeat(100)}"x"]`,
    `[${'[1],'.repeat(3000)}[1]]`,
    `[${'{},'.repeat(300)}{}]`,
    `"${'A'.repeat(9000)}"`,
    `"${'\\u0041'.repeat(2000)}"`,
    `{${Array.from({ length: 1030 }, (_, i) => `"k${i}":1`)}}`,
  ),
  fc.json({ maxDepth: 3 }),
  fc.double().map(String),
  fc.integer().map(String),
  fc.string({ unit: 'binary', maxLength: 12 }).map((text) => JSON.stringify(text)),
)

/** Texts that are inserted before the fields of an object. */
const fieldsBefore = fc.constantFrom(
  ...[
    '"__proto__":{"temperature":0},',
    '"constructor":1,',
    '"toString":1,',
    '"":0,',
    '"\\u0000":0,',
  ],
  ...['"logits":[1],', '"temperature":0,', '"temp\\u0065rature":1,', '"rows":[{}],', '"seed":1,'],
  ...['"state":{"mirostat_mu":1e308},', '"n":65536,', '"top_logprobs":1e9,', ',', '"a",', '1:1,'],
)

/** Marks the place of a replacement in a text. It occurs nowhere else. */
const MARK = '\uE000'

interface Place {
  holder: Record<string, unknown>
  key: string
}

function placesIn(value: unknown): Place[] {
  if (typeof value !== 'object' || value === null) return []
  const holder = value as Record<string, unknown>
  return Object.keys(holder).flatMap((key) => [{ holder, key }, ...placesIn(holder[key])])
}

const change = fc.record({
  kind: fc.constantFrom('replace', 'replace', 'replace', 'delete', 'insert', 'repeat'),
  where: fc.nat(),
  value: values,
  before: fieldsBefore,
})
export type Change = typeof change extends fc.Arbitrary<infer One> ? One : never

/** The number of changes may be 0. */
export const changes = fc.array(change, { maxLength: 3 })

/** The text of a document with some parts replaced. */
export function writeChanged(document: Fields, all: readonly Change[]): string {
  const copy = structuredClone(document)
  const inserted: string[] = []
  let repeated = ''
  for (const { kind, where, value, before } of all) {
    const places = placesIn(copy)
    const place = places[where % places.length]
    if (!place) break
    const { holder, key } = place
    if (kind === 'insert') repeated += before
    else if (kind === 'delete' && !Array.isArray(holder)) delete holder[key]
    else if (kind === 'repeat') repeated += `${JSON.stringify(key)}:${value},`
    else {
      holder[key] = `${MARK}${inserted.length}${MARK}`
      inserted.push(value)
    }
  }
  const text = JSON.stringify(copy).replaceAll(
    new RegExp(`"${MARK}(\\d+)${MARK}"`, 'g'),
    (_, index) => inserted[Number(index)]!,
  )
  return `{${repeated}${text.slice(1)}`
}
