import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readCheckpoint } from '../../src/language-model/checkpoint.ts'
import { loadModel } from '../../src/language-model/model.ts'
import { BEGIN, readTokenizer } from '../../src/language-model/tokenizer.ts'
import { readRow } from '../golden/read.ts'

const bytes = (url: URL) => new Uint8Array(readFileSync(url)).buffer
const own = (file: string) => bytes(new URL(`../../src/language-model/${file}`, import.meta.url))

const weights = own('tales.bin')
const texts = own('tales-tokenizer.bin')
const checkpoint = readCheckpoint(weights)
const tokenizer = readTokenizer(texts, checkpoint.vocabSize)

/** A checkpoint whose weights are a simple function of their place. */
function makeCheckpoint(isQuantized: boolean): ArrayBuffer {
  const [dim, hidden, layers, heads, kvHeads, vocab, context] = [8, 16, 2, 2, 1, 32, 16]
  const kvDim = (dim / heads) * kvHeads
  const norms = [layers * dim, layers * dim, dim]
  const perLayer = [
    dim * dim,
    kvDim * dim,
    kvDim * dim,
    dim * dim,
    hidden * dim,
    dim * hidden,
    hidden * dim,
  ]
  const weight = (i: number) => ((i * 37) % 255) - 127
  const parts: ArrayBufferView[] = []
  const floats = (count: number) =>
    parts.push(Float32Array.from({ length: count }, (_, i) => weight(i) / 64))
  const integers = (count: number) => {
    parts.push(Int8Array.from({ length: count }, (_, i) => weight(i)))
    parts.push(new Float32Array(count / 8).fill(1 / 64))
  }
  const sizes = Int32Array.of(dim, hidden, layers, heads, kvHeads, vocab, context)
  if (isQuantized) {
    const head = new DataView(new ArrayBuffer(256))
    head.setUint32(0, 0x616b3432, true)
    head.setInt32(4, 2, true)
    for (const [i, size] of sizes.entries()) head.setInt32(8 + 4 * i, size, true)
    head.setUint8(36, 1)
    head.setInt32(37, 8, true)
    parts.push(head)
    for (const count of norms) floats(count)
    integers(vocab * dim)
    for (const count of perLayer) for (let i = 0; i < layers; i++) integers(count)
  } else {
    parts.push(sizes)
    floats(vocab * dim)
    const [attention, feedForward, final] = norms
    floats(attention!)
    for (const count of perLayer.slice(0, 4)) for (let i = 0; i < layers; i++) floats(count)
    floats(feedForward!)
    for (const count of perLayer.slice(4)) for (let i = 0; i < layers; i++) floats(count)
    floats(final!)
    floats(context * (dim / heads))
  }
  const all = parts.map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength))
  return new Uint8Array(Buffer.concat(all)).buffer
}

function logitsAfter(file: ArrayBuffer, ids: readonly number[]): Float32Array {
  const model = loadModel(readCheckpoint(file))
  const memory = model.newMemory()
  let logits = new Float32Array()
  for (const [position, id] of ids.entries()) logits = model.forward(memory, id, position).slice()
  return logits
}

describe('a checkpoint', () => {
  it('has the same logits in both formats', () => {
    const ids = [1, 5, 30, 2]
    const inFloats = logitsAfter(makeCheckpoint(false), ids)
    expect(new Set(inFloats).size).toBeGreaterThan(20)
    expect(logitsAfter(makeCheckpoint(true), ids)).toEqual(inFloats)
  })

  it.each<[string, ArrayBuffer, RegExp]>([
    ['an empty file', new ArrayBuffer(0), /not a checkpoint/],
    ['zeros', new ArrayBuffer(1000), /not a checkpoint/],
    ['ones', new Uint8Array(1000).fill(1).buffer, /incomplete|not a checkpoint/],
    ['a cut file', makeCheckpoint(false).slice(0, 2000), /incomplete: at least \d+ bytes/],
    ['a cut file in 8 bits', makeCheckpoint(true).slice(0, 2000), /incomplete/],
    ['a header alone', makeCheckpoint(true).slice(0, 100), /version 2/],
  ])('that is invalid gets an error: %s', (_, file, why) => {
    expect(() => readCheckpoint(file)).toThrow(why)
  })
})

describe('the model', () => {
  it('goes back to an earlier position, and has several texts at once', () => {
    const model = loadModel(checkpoint)
    const [one, other] = [model.newMemory(), model.newMemory()]
    const ids = tokenizer.encode('There lived a king')
    const run = (memory: typeof one, from: number, list: readonly number[]) => {
      let logits = new Float32Array()
      for (const [i, id] of list.entries()) logits = model.forward(memory, id, from + i).slice()
      return logits
    }
    const expected = run(one, 0, ids)
    run(other, 0, tokenizer.encode('A fox'))
    run(one, 2, [300, 301, 302, 303])
    expect(run(one, 2, ids.slice(2))).toEqual(expected)
  })

  it('knows what tales are like', () => {
    const model = loadModel(checkpoint)
    const memory = model.newMemory()
    const ids = tokenizer.encode('Once upon a time there was a king who had a daughter')
    let loss = 0
    let logits = model.forward(memory, ids[0]!, 0)
    for (const [i, id] of ids.slice(1).entries()) {
      const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0)
      loss += Math.log(total) - logits[id]!
      logits = model.forward(memory, id, i + 1)
    }
    expect(loss / (ids.length - 1)).toBeLessThan(3)
  })
})

describe('the tokenizer', () => {
  const decoder = new TextDecoder()
  const decode = (ids: readonly number[]) => {
    const parts = ids.slice(1).map((id, i) => Buffer.from(tokenizer.decode(id, ids[i]!)))
    return decoder.decode(Buffer.concat(parts))
  }

  it.each([
    'Once upon a time',
    'a “quoted” wörd, 狐 and 🦊',
    ' two  spaces',
    'line\nbreak',
    '',
    'x',
  ])('gives a text back: %s', (text) => {
    const ids = tokenizer.encode(text)
    expect(ids[0]).toBe(BEGIN)
    expect(ids.every((id) => id < checkpoint.vocabSize)).toBe(true)
    expect(decode(ids)).toBe(text)
  })

  it('has common words as one token', () => {
    for (const word of ['king', 'princess', 'little', 'forest', 'said', 'there', 'his']) {
      expect(tokenizer.encode(word).length).toBe(2)
    }
  })

  it('refuses a file of another size', () => {
    expect(() => readTokenizer(texts, checkpoint.vocabSize + 1)).toThrow(
      'The tokenizer has 2048 tokens, and the model has 2049',
    )
    expect(() => readTokenizer(texts.slice(0, 1000), checkpoint.vocabSize)).toThrow(
      /has \d+ tokens/,
    )
  })
})

/** The smallest model of llama2.c. It is not in the repository; MODELS is its folder. */
const models = new URL(
  `file://${process.env.MODELS ?? new URL('../../../shared/models', import.meta.url).pathname}/`,
)
const stories = new URL('stories260K.bin', models)

it.runIf(existsSync(stories))('runs a model of llama2.c as llama2.c does', () => {
  const read = readCheckpoint(bytes(stories))
  const words = readTokenizer(bytes(new URL('tok512.bin', models)), read.vocabSize)
  const logits = logitsAfter(bytes(stories), words.encode('Once upon a time, there was a'))
  const expected = readRow({ file: 'stories260k', row: 8 })
  for (const [id, logit] of logits.entries()) expect(logit).toBeCloseTo(expected[id]!, 4)
})
