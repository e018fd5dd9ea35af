import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readFile, readPasted, type Taken } from '../../src/playground/intake/files.ts'
import { readRow } from '../golden/read.ts'
import { spent } from '../spent.ts'

const limits = { max_body_bytes: 2 ** 20, max_vocab_size: 2 ** 16 }

type Content = string | Uint8Array<ArrayBuffer>

const read = (content: Content, name = 'file') => readFile(new File([content], name), limits)

const rowsIn = (taken: Taken) => {
  if (!('rows' in taken)) throw new Error('No rows')
  return taken.rows
}

const wordsIn = (taken: Taken) => ('words' in taken ? taken.words?.words : undefined)

const fileAt = (path: string) =>
  new Uint8Array(readFileSync(new URL(`../../${path}`, import.meta.url)))

/** An array in the format of numpy.save. */
function npy(descr: string, shape: string, data: ArrayBufferView<ArrayBuffer>, order = 'False') {
  const header = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }`.padEnd(117)
  const head = Buffer.from(`\x93NUMPY\x01\x00v\x00${header}\n`, 'latin1')
  return new Uint8Array([...head, ...new Uint8Array(data.buffer)])
}

const row = [2, 1, 0.5, -1, Number.NEGATIVE_INFINITY]
const float32 = new Uint8Array(Float32Array.from(row).buffer)
const tensor = (dtype: string, data: ArrayBufferView<ArrayBuffer>) =>
  JSON.stringify({
    logits: { dtype, shape: [5], data: new Uint8Array(data.buffer).toBase64() },
  })

describe('logits', () => {
  it('are read from the rows of a real .npy', async () => {
    const given = rowsIn(await read(fileAt('test/golden/inputs/stories260k.npy'), 'x.npy'))
    expect(given).toMatchObject({ rows: 384, vocabSize: 512 })
    expect(await given.row(57)).toEqual(readRow({ file: 'stories260k', row: 57 }))
  })

  it.each<[string, Content]>([
    ['float32 of NumPy', npy('<f4', '(5,)', Float32Array.from(row))],
    ['float64 of NumPy', npy('<f8', '(5,)', Float64Array.from(row))],
    ['float16 of NumPy', npy('<f2', '(5,)', Float16Array.from(row))],
    ['raw float32', float32],
    ['JSON', '[2, 1, 0.5, -1, "-Infinity"]'],
    ['JSON as Python writes it', '{"logits": [2.0, 1.0, 0.5, -1.0, -Infinity]}'],
    ['a batch of one', '[[2, 1, 0.5, -1, "-Infinity"]]'],
    ['a byte order mark', '\ufeff[2, 1, 0.5, -1, "-Infinity"]'],
    ['spaces', '2 1 .5 -1 -inf'],
    ['commas', '2, 1, 0.5, -1, -Infinity,'],
    ['semicolons', '2; 1; 0.5; -1; -inf'],
    ['tabs and Windows’ line ends', '2\t1\r\n0.5\r\n-1\r\n-inf\r\n'],
    ['a column', '2\n1\n5e-1\n-1e0\n-inf\n'],
    ['NumPy’s print', '[ 2.   1.   0.5 -1.  -inf]'],
    ['torch’s print', 'tensor([2.0000, 1.0000, 0.5000, -1.0000, -inf], dtype=torch.float16)'],
    ['a tensor', tensor('float32', Float32Array.from(row))],
    ['a float64 tensor', tensor('float64', Float64Array.from(row))],
    ['a float16 tensor', tensor('float16', Float16Array.from(row))],
    [
      'a bfloat16 tensor',
      tensor('bfloat16', Uint16Array.from([0x4000, 0x3f80, 0x3f00, 0xbf80, 0xff80])),
    ],
    [
      'a sparse row',
      '{"logits": {"vocab_size": 5, "token_ids": [3, 0, 1, 2], "values": [-1, 2, 1, 0.5]}}',
    ],
    [
      'a request of /v2',
      '{"inputs": [{"name": "logits", "datatype": "FP32", "shape": [1, 5], "data": [2, 1, 0.5, -1, "-Infinity"]}]}',
    ],
  ])('are read from %s', async (_, content) => {
    const given = rowsIn(await read(content))
    expect(given).toMatchObject({ rows: 1, vocabSize: 5 })
    expect(await given.row(0)).toEqual(Float32Array.from(row))
    if (typeof content === 'string') {
      expect(await rowsIn(readPasted(content)).row(0)).toEqual(Float32Array.from(row))
    }
  })

  it('are read from a table, a row on each line', async () => {
    const given = rowsIn(readPasted('1 2 3\n4 5 6\n'))
    expect(given).toMatchObject({ rows: 2, vocabSize: 3 })
    expect(await given.row(1)).toEqual(Float32Array.of(4, 5, 6))
  })

  it('come with the settings of their request', async () => {
    const { logits, ...settings } = JSON.parse(
      Buffer.from(fileAt('examples/story.json')).toString(),
    )
    const given = rowsIn(await read(fileAt('examples/story.json'), 'story.json'))
    expect(await given.row(0)).toEqual(Float32Array.from(logits))
    const { return_probabilities: _, trace: __, ...kept } = settings
    expect(given.fieldsOf(0)).toEqual(kept)
    expect(Object.keys(kept).length).toBeGreaterThan(1)
    const batch = readPasted(
      '{"logits": [[1, 2], [3, 4]], "seed": 7, "rows": [{}, {"temperature": 0}]}',
    )
    expect(rowsIn(batch).fieldsOf(1)).toEqual({ seed: 7, temperature: 0 })
  })

  it.each([
    ['lines', 'cat: 1.5\nthe dog: -2\n"a: b": 3'],
    ['equal signs', "cat = 1.5\nthe dog = -2\n'a: b' = 3"],
    ['a table with a heading', 'word,logit\ncat,1.5\nthe dog,-2\na: b,3'],
    ['tabs', 'cat\t1.5\nthe dog\t-2\na: b\t3'],
    ['an object', '{"cat": 1.5, "the dog": -2, "a: b": 3}'],
  ])('come with their words from %s', async (_, text) => {
    const taken = readPasted(text)
    expect(wordsIn(taken)).toEqual(['cat', 'the dog', 'a: b'])
    expect(await rowsIn(taken).row(0)).toEqual(Float32Array.of(1.5, -2, 3))
  })
})

describe('words', () => {
  it.each([
    ['a list', '["a", " b"]', ['a', ' b']],
    ['an object', '{"a": 1, "b": 0}', ['b', 'a']],
    ['lines', 'a\nb\n', ['a', 'b']],
    ['SentencePiece', '["▁a", "b"]', [' a', 'b']],
    ['byte-level BPE', '{"Ġa": 0, "Ã¤": 1, "Ċ": 2}', [' a', 'ä', '\n']],
    ['names of Object.prototype', '["__proto__", "constructor"]', ['__proto__', 'constructor']],
    [
      'tokenizer.json',
      '{"model": {"vocab": {"a": 0}}, "added_tokens": [{"id": 1, "content": "<s>"}]}',
      ['a', '<s>'],
    ],
    ['a unigram tokenizer.json', '{"model": {"vocab": [["▁a", -1.5], ["b", -2]]}}', [' a', 'b']],
  ])('are read from %s', (_, text, words) => {
    expect(wordsIn(readPasted(text))).toEqual(words)
  })
})

it('a model and its tokenizer are told apart from raw logits', async () => {
  const checkpoint = fileAt('src/language-model/tales.bin')
  expect(await read(checkpoint)).toHaveProperty('checkpoint')
  expect(await read(fileAt('src/language-model/tales-tokenizer.bin'))).toHaveProperty('tokenizer')
})

describe('what is invalid', () => {
  const long = 'x'.repeat(300)
  it.each<[string, Content, RegExp]>([
    ['nothing', '', /empty/],
    ['white space', ' \n ', /nothing to read/],
    ['odd bytes', new Uint8Array([0, 1, 2]), /no whole float32/],
    ['a picture', new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10]), /picture/],
    ['an archive', new Uint8Array([80, 75, 3, 4, 0, 0, 0, 0]), /\.npz/],
    ['a compressed file', new Uint8Array([31, 139, 8, 0]), /gzip/],
    ['GGUF', 'GGUF\u0003\u0000', /llama2\.c/],
    ['UTF-16', new Uint8Array([255, 254, 91, 0]), /UTF-8/],
    ['integers', npy('<i8', '(1,)', new BigInt64Array(1)), /elements are i8/],
    ['big-endian', npy('>f4', '(1,)', new Float32Array(1)), /big-endian/],
    ['three dimensions', npy('<f4', '(1, 1, 1)', new Float32Array(1)), /3 dimensions/],
    ['columns first', npy('<f4', '(1, 2)', new Float32Array(2), 'True'), /ascontiguousarray/],
    ['a cut file', npy('<f4', '(9,)', new Float32Array(2)), /takes 164 bytes, and it has 136/],
    ['a text among numbers', '[1, "x"]', /index 1/],
    ['NaN', '1, nan', /index 1 is NaN/],
    ['null', '[1, null]', /null often stands for NaN/],
    ['unequal rows', '[[1, 2], [3]]', /row 1 has 1 numbers/i],
    ['an empty list', '[]', /at least one/],
    ['broken JSON', `[1, "${long}`, /not valid JSON/],
    ['a number that is none', '1, 2-3', /index 1 cannot be read/],
    ['JSON without logits', `{"${long}": "b"}`, /no “logits”/],
    ['a single value', 'null', /one word on each line|single value/],
    ['shared memory', '{"logits": {"shared_memory": {"name": "a"}}}', /shared memory/],
    ['no base64', '{"logits": {"dtype": "float32", "shape": [1], "data": "?"}}', /base64/],
    ['another dtype', '{"logits": {"dtype": "int4", "data": ""}}', /dtype/],
    ['a wrong shape', '{"logits": {"shape": [3], "data": "AAAAAA=="}}', /takes 12 bytes/],
    ['a sparse row without values', '{"logits": {"token_ids": [1]}}', /one value for each/],
    ['a line without number', 'a: 1\nb: 2\nc', /Line 3|line 3/],
    ['a vocabulary with texts as ids', '{"model": {"vocab": {"a": "b"}}}', /token id/],
    ['a row that is too long', npy('<f4', '(65537,)', new Float32Array(65_537)), /takes 65536/],
    ['a text that is too long', `[${'1,'.repeat(2 ** 20)}1]`, /this server takes/],
  ])('gets one short sentence: %s', async (_, content, why) => {
    const error = await read(content, `${long}.txt`).catch((error) => error as Error)
    expect(error).toBeInstanceOf(Error)
    const { message } = error as Error
    expect(message).toMatch(why)
    expect(message.length).toBeLessThanOrEqual(100)
    expect(message).not.toContain('xxxxxxxxxxxxxxxxxxxxxxxxxx')
  })

  it.each<[string, Content, RegExp]>([
    ['NaN', npy('<f4', '(2,)', Float32Array.of(Number.NaN, 1)), /index 0 is NaN/],
    ['+∞', '[1, 1e39]', /index 1 is \+∞ as float32/],
    ['no finite logit', '-inf -inf', /at least one must be finite/],
  ])('is found when the row is shown: %s', async (_, content, why) => {
    await expect(rowsIn(await read(content)).row(0)).rejects.toThrow(why)
  })

  // Four times as much text takes about four times as long, so no pattern goes over the text again and again.
  it.each([
    ['deep JSON', '['],
    ['many words', 'a: 1\n'],
    ['spaces', ' '],
    ['a long line', 'a '],
    ['digits', '1'],
    ['numbers', '1 '],
  ])('costs in proportion: %s', (_, part) => {
    const readMany = (count: number) => () => {
      try {
        readPasted(`${part.repeat(count)}!`)
      } catch {}
    }
    readMany(100_000)()
    expect(spent(readMany(400_000))).toBeLessThan(16 * Math.max(spent(readMany(100_000)), 10))
  })
})
