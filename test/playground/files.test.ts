import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type Given, readFile, readPasted } from '../../src/playground/files.ts'
import { readVocabulary } from '../../src/playground/vocabulary.ts'
import { readRow } from '../golden/read.ts'

const limits = { max_body_bytes: 2 ** 20, max_vocab_size: 2 ** 16 }

const read = async (content: string | Uint8Array<ArrayBuffer>, name: string) =>
  (await readFile(new File([content], name), limits)) as Given

/** An array in the format of numpy.save. */
function npy(descr: string, shape: string, data: ArrayBufferView<ArrayBuffer>, order = 'False') {
  const header = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }`.padEnd(117)
  const head = Buffer.from(`\x93NUMPY\x01\x00v\x00${header}\n`, 'latin1')
  return new Uint8Array([...head, ...new Uint8Array(data.buffer)])
}

const row = [2, 1, 0.5, -1, Number.NEGATIVE_INFINITY]

describe('logits', () => {
  it('are read from the rows of a real .npy', async () => {
    const bytes = readFileSync(new URL('../golden/inputs/stories260k.npy', import.meta.url))
    const given = await read(new Uint8Array(bytes), 'stories260k.npy')
    expect(given).toMatchObject({ rows: 384, vocabSize: 512 })
    expect(await given.row(57)).toEqual(readRow({ file: 'stories260k', row: 57 }))
  })

  it.each([
    ['<f4', Float32Array.from(row)],
    ['<f8', Float64Array.from(row)],
    ['<f2', Uint16Array.from([0x4000, 0x3c00, 0x3800, 0xbc00, 0xfc00])],
  ])('are read from %s', async (descr, data) => {
    const given = await read(npy(descr, '(5,)', data), 'row.npy')
    expect(await given.row(0)).toEqual(Float32Array.from(row))
  })

  it('are read from raw float32, JSON and pasted text', async () => {
    const text = '[2, 1, 0.5, -1, "-Infinity"]'
    for (const given of [
      await read(new Uint8Array(Float32Array.from(row).buffer), 'row.f32'),
      await read(text, 'row.json'),
      readPasted(text),
      readPasted(`{"logits": [${text}], "temperature": 1}`),
    ]) {
      expect(await given.row(0)).toEqual(Float32Array.from(row))
    }
  })

  it.each([
    ['an empty file', '', /is empty/],
    ['odd bytes', new Uint8Array([0, 1, 2]), /3 bytes, which are not whole float32/],
    ['a picture', new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10]), /raw float32|logits/],
    ['integers', npy('<i8', '(1,)', new BigInt64Array(1)), /elements are i8/],
    ['big-endian', npy('>f4', '(1,)', new Float32Array(1)), /big-endian/],
    ['three dimensions', npy('<f4', '(1, 1, 1)', new Float32Array(1)), /3 dimensions/],
    ['columns first', npy('<f4', '(1, 2)', new Float32Array(2), 'True'), /ascontiguousarray/],
    ['a cut file', npy('<f4', '(9,)', new Float32Array(2)), /takes 164 bytes, and it has 136/],
    ['a text among numbers', '[1, "x"]', /index 1, got "x"/],
    ['null', '[1, null]', /NaN and Infinity are often written/],
    ['unequal rows', '[[1, 2], [3]]', /row 1 has 1 numbers/],
    ['broken JSON', '[1, 2', /not valid JSON/],
  ])('that are invalid get an error: %s', async (_, content, why) => {
    await expect(read(content, 'file')).rejects.toThrow(why)
  })

  it.each([
    [[Number.NaN, 1], /index 0 is NaN/],
    [[Number.NEGATIVE_INFINITY], /no token is left/],
  ])('that Kelvin cannot sample get an error: %s', async (numbers, why) => {
    const given = await read(
      npy('<f4', `(${numbers.length},)`, Float32Array.from(numbers)),
      'x.npy',
    )
    await expect(given.row(0)).rejects.toThrow(why)
  })

  it.each(['null', '7', '"x"', '{}'])('that are no list get an error: %s', (text) => {
    expect(() => readPasted(text)).toThrow('expected a list of numbers')
  })

  it('beyond what the server takes are refused', async () => {
    const large = npy('<f4', '(65537,)', new Float32Array(65_537))
    await expect(read(large, 'x.npy')).rejects.toThrow('this server takes 65536')
  })
})

describe('words', () => {
  it.each([
    ['a list', '["a", " b"]', ['a', ' b']],
    ['an object', '{"a": 1, "b": 0}', ['b', 'a']],
    ['lines', 'a\nb\n', ['a', 'b']],
    ['SentencePiece', '["▁a", "b"]', [' a', 'b']],
    ['byte-level BPE', '{"Ġa": 0, "Ã¤": 1, "Ċ": 2}', [' a', 'ä', '\n']],
    [
      'tokenizer.json',
      '{"model": {"vocab": {"a": 0}}, "added_tokens": [{"id": 1, "content": "<s>"}]}',
      ['a', '<s>'],
    ],
  ])('are read from %s', (_, text, words) => {
    expect(readVocabulary('words', text).words).toEqual(words)
  })

  it.each([
    ['["a", 1]', /Entry 1 should be a word/],
    ['{"a": "b"}', /should have a token id/],
    ['{"a"', /not valid JSON/],
    ['a', /one line/],
  ])('that are invalid get an error: %s', (text, why) => {
    expect(() => readVocabulary('words', text)).toThrow(why)
  })
})
