import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { NumberList } from '../../src/fields/long-values.ts'
import { chunkLengths, isSame, numberText, read, refusal, tokens } from './json.ts'

const thorough = { numRuns: 500 }
const fours = (count: number) => 'AAAA'.repeat(count)

describe('JSON that JSON.parse accepts has the same value', () => {
  it('for any document and any chunks', () => {
    fc.assert(
      fc.property(tokens, chunkLengths, (given, lengths) => {
        const text = given.join('')
        // UTF-8 has no lone surrogates.
        expect(isSame(read(text, lengths), JSON.parse(Buffer.from(text).toString()))).toBe(true)
      }),
      thorough,
    )
  })

  it('a number in every notation, alone, in a short list and in a long one', () => {
    fc.assert(
      fc.property(numberText, chunkLengths, (number, lengths) => {
        const value = Number(number)
        expect(read(number, lengths)).toBe(value)
        expect(read(`{"a":${number}}`, lengths)).toEqual({ a: value })
        expect(isSame(read(`[${number} , 1]`, lengths), [value, 1])).toBe(true)
        const long = read(`[${'1,'.repeat(80)}${number}\n,0.5]`, lengths) as NumberList
        expect(long.elements.toFloat64()[80]).toBe(value)
      }),
      thorough,
    )
  })

  it.each([
    ['the last of equal keys', '{"a":1,"b":2,"a":3,"\\u0061":4}'],
    [
      'many fields of all kinds',
      `{${Array.from({ length: 400 }, (_, i) => `"${i % 3 ? i * 7 : `x${i}`}" :\t${['1e-3', 'null', '"-Infinity"', '[1]', '-0', '"é"', '""'][i % 7]}`).join(' ,\n')}}`,
    ],
    [
      'keys that are nearly indexes',
      '{"01":1,"-1":2,"1e3":3,"4294967295":4,"999999999":5,"":6,"7":7}',
    ],
    ['__proto__, an own key', '{"__proto__":{"a":1},"constructor":2}'],
    ['an escape of each kind', '["\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\\ud83d"]'],
    [
      'all whitespace',
      ' \t\r\n{ \t\r\n"a" \t\r\n: \t\r\n[ \t\r\n1 \t\r\n, \t\r\n2 \t\r\n] \t\r\n} \t',
    ],
    ['a text escaped at a border of chunks', `["${'a'.repeat(1500)}\\u00e9\\n${'b'.repeat(90)}"]`],
    ['base64 with escaped slashes', `"${'AA\\/A'.repeat(600)}"`],
    ['a long text in UTF-8', `"${'é😀'.repeat(500)}"`],
    ['base64 with a character too many', `"${fours(300)}A"`],
    ['base64 with an escaped line feed', `"${fours(300)}\\n"`],
    ['a number longer than is carried over', `[${'1,'.repeat(70)}0.${'3'.repeat(900)},2]`],
    ['a list with a wide number late', `[${'1,'.repeat(9000)}0.1,2,${'1,'.repeat(9000)}3]`],
    ['a long list of lists and a number', `[${'[1],'.repeat(80)}5,6]`],
    ['a long list with null in it', `[${'1,'.repeat(30)}null,${'1,'.repeat(60)}2]`],
    ['"-Infinity" in other words', `[${'1,'.repeat(70)}"\\u002dInfinity","-Infinity",-1e999]`],
  ])('%s', (_, text) => {
    for (const lengths of [[65_536], [1], [2], [3, 1], [1025]]) {
      expect(isSame(read(text, lengths), JSON.parse(text))).toBe(true)
    }
  })

  it('a row of float32 takes four bytes for each number, in any chunks', () => {
    const row = Float32Array.from({ length: 20_000 }, (_, i) => Math.fround(Math.sin(i) * 20))
    const text = JSON.stringify({ logits: Array.from(row) })
    for (const lengths of [[65_536], [1], [7, 4000]]) {
      const { logits } = read(text, lengths) as { logits: NumberList }
      expect(logits.elements.dtype).toBe('float32')
      expect(logits.elements.toFloat64()).toEqual(Float64Array.from(row))
    }
  })
})

describe('JSON that JSON.parse refuses is refused', () => {
  const changed = fc
    .tuple(
      tokens,
      fc.array(
        fc.tuple(
          fc.constantFrom('delete', 'insert', 'swap', 'cut'),
          fc.nat(),
          fc.constantFrom(...'{}[],:"\\0-+.eE1 \n\u0000\u001fNtfu/é', '00', '""', 'null', '\\u00'),
        ),
        { minLength: 1, maxLength: 3 },
      ),
    )
    .map(([given, changes]) => {
      let text = given.join('')
      for (const [change, place, inserted] of changes) {
        const at = place % (text.length + 1)
        const [before, after] = [text.slice(0, at), text.slice(at)]
        if (change === 'delete') text = before + after.slice(1)
        else if (change === 'insert') text = before + inserted + after
        else if (change === 'swap')
          text = before + after.slice(1, 2) + after.slice(0, 1) + after.slice(2)
        else text = before
      }
      return text
    })

  it('as invalid JSON and nothing else', () => {
    fc.assert(
      fc.property(changed, chunkLengths, (text, lengths) => {
        const received = Buffer.from(text).toString()
        let expected: unknown
        try {
          expected = JSON.parse(received)
        } catch {
          expect(refusal(text, lengths)).toMatch(received === '' ? /^EMPTY_BODY/ : /^INVALID_JSON/)
          return
        }
        expect(isSame(read(text, lengths), expected)).toBe(true)
      }),
      { numRuns: 1500 },
    )
  })

  it.each([
    ['nothing but space', '  '],
    ['a byte order mark', '\ufeff{}'],
    ['two values', '{} {}'],
    ['a number with a leading zero', '[01]'],
    ['fields that are not all there', '{"a":1,"b":01,"c":2}'],
    ['a field without a value', '{"a":1,"b":,"c":2}'],
    ['a field without a colon', '{"a":1,"b" 1,"c":2}'],
    ['a comma before the end of an object', '{"a":1,"b":2, }'],
    ['a number that is not all there', '[1.,2]'],
    ['a line feed at the end of base64', `"${fours(300)}\n"`],
    ['a word that is longer', '[truee]'],
    ['a trailing comma', '[1,]'],
  ])('%s', (_, text) => {
    expect(() => JSON.parse(text)).toThrow()
    for (const lengths of [[65_536], [1], [3]]) {
      expect(refusal(text, lengths)).toMatch(/^INVALID_JSON/)
    }
  })
})

describe('a refusal names the byte', () => {
  const place = (text: string, lengths?: readonly number[]) =>
    Number(/ (?:at byte|after) (\d+)/.exec(refusal(text, lengths))![1])

  it('that is wrong between two tokens', () => {
    fc.assert(
      fc.property(tokens, fc.nat(), chunkLengths, (given, where, lengths) => {
        const at = where % (given.length + 1)
        const before = given.slice(0, at).join('')
        const text = `${before}?${given.slice(at).join('')}`
        expect(place(text, lengths)).toBe(Buffer.byteLength(before))
        expect(refusal(text, lengths)).toContain('got "?"')
      }),
      thorough,
    )
  })

  it.each([0, 5, 1020, 1030, 3000])('that is wrong in a text, after %i others', (count) => {
    fc.assert(
      fc.property(
        fc.constantFrom<[string, number, string]>(
          ['\u0001', 0, '\\u0001'],
          ['\\x', 1, 'x'],
          ['\\u00g0', 4, 'g'],
          ['\\u"', 2, '\\"'],
          ['\\u00é0', 4, 'é'],
        ),
        fc.constantFrom('A', 'é', '\\n'),
        fc.constantFrom('["', '{"', '{"é":"'),
        chunkLengths,
        ([faulty, offset, got], character, opening, lengths) => {
          const before = opening + character.repeat(count)
          const text = `${before}${faulty}"`
          expect(place(text, lengths)).toBe(Buffer.byteLength(before) + offset)
          // Chunks may cut the character that the error quotes.
          if (got !== 'é') expect(refusal(text, lengths)).toContain(`got "${got}"`)
        },
      ),
      { numRuns: 60 },
    )
  })

  it.each([
    ['{"a":[1,2,-x]}', 10, '-'],
    ['{"a":[1,2,1.5.5]}', 10, '1.5.5'],
    ['[NaN]', 1, 'NaN'],
    [`[${'1,'.repeat(100_000)}nul]`, 200_001, 'nul'],
    [`[${'1,'.repeat(100_000)}00]`, 200_001, '00'],
  ])('that begins an invalid number or word: %.20s at %i', (text, at, got) => {
    for (const lengths of [[65_536], [1], [1000]]) {
      expect(place(text, lengths)).toBe(at)
      expect(refusal(text, lengths)).toContain(`got "${got}"`)
    }
  })

  it('at which the document ends too early', () => {
    fc.assert(
      fc.property(chunkLengths, fc.nat(20_000), (lengths, count) => {
        const text = `{"é":[${'1, '.repeat(count)}1`
        expect(place(text, lengths)).toBe(Buffer.byteLength(text))
      }),
      { numRuns: 20 },
    )
  })
})

describe('limits, for any chunks', () => {
  const mebibyte = 2 ** 20
  const cuts = [[65_536], [1000, 1, 64]]
  const spaced = (items: string) => `[${' '.repeat(mebibyte)}${items}]`

  it.each([
    ['a long key', `{"${'k'.repeat(mebibyte)}":1}`],
    ['many keys', `{${'"7":1,'.repeat(mebibyte / 4)}"7":1}`],
    ['many lists', `[${'[],'.repeat(mebibyte / 2)}[]]`],
    ['many short texts', `[${'"k",'.repeat(mebibyte)}"k"]`],
    ['a number as long', `[${'1'.repeat(mebibyte + 1)}]`],
    ['many numbers among lists', `[[],${'1,'.repeat(mebibyte)}1]`],
  ])('%s is too large', (_, text) => {
    for (const lengths of cuts) expect(refusal(text, lengths)).toMatch(/^BODY_TOO_LARGE/)
  })

  it.each([
    ['a long list of numbers', `[${'1.5,'.repeat(mebibyte)}1]`],
    ['whitespace', spaced('1')],
    ['a long text', `["${'A'.repeat(2 * mebibyte)}"]`],
    ['a long text that is no base64', `["${'é '.repeat(mebibyte)}"]`],
    ['many rows', `[${'[1.125,2.125,3.125,4.125,5.125],'.repeat(40_000)}[1]]`],
  ])('%s is not', (_, text) => {
    const whole = JSON.parse(text)
    for (const lengths of cuts) expect(isSame(read(text, lengths), whole)).toBe(true)
  })

  it('a list of numbers does not count towards the limit, even in single bytes', () => {
    const text = `[${'1 ,\n'.repeat(400_000)}1]`
    expect((read(text, [1]) as NumberList).length).toBe(400_001)
  })

  it.each([
    ['at once', (i: number) => `"k${i}":1`],
    ['one by one', (i: number) => `"k${i}":[]`],
    ['with escapes', (i: number) => `"\\n${i}":1`],
  ])('1024 names of fields are read, and one more is refused: %s', (_, field) => {
    const named = (count: number) => {
      const fields = Array.from({ length: count }, (_, i) => `${field(i)},"${i}":1`)
      return `{"a":[0,{${fields}}],"spaces":"${' '.repeat(10_000)}"}`
    }
    for (const lengths of cuts) {
      expect(isSame(read(named(1024), lengths), JSON.parse(named(1024)))).toBe(true)
      expect(refusal(named(1025), lengths)).toBe(
        'INVALID_REQUEST: /a/1: Expected at most 1024 fields that are not token ids',
      )
    }
  })

  it('1024 levels are read, and one more is refused', () => {
    const nested = (levels: number) => '[{"a":'.repeat(levels / 2) + 0 + '}]'.repeat(levels / 2)
    expect(isSame(read(nested(1024)), JSON.parse(nested(1024)))).toBe(true)
    expect(refusal(`[${nested(1024)}]`)).toMatch(/^INVALID_JSON: Expected at most 1024 levels at/)
  })
})
