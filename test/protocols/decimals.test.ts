import { describe, expect, it } from 'vitest'
import { type DatatypeName, toDecimal } from '../../src/protocols/open-inference/datatypes.ts'
import { testApp } from '../app.ts'

const app = await testApp()

/** The output of `str(np.float32(x))`, `str(np.float16(x))` and `str(ml_dtypes.bfloat16(x))`, and other types. */
describe('a number of a tensor becomes its shortest decimal', () => {
  it.each<[DatatypeName, number, number]>([
    ['FP32', Math.fround(0.3), 0.3],
    ['FP32', Math.fround(0.7), 0.7],
    ['FP32', Math.fround(0.95), 0.95],
    ['FP32', Math.fround(1.1), 1.1],
    ['FP32', Math.fround(1 / 3), 0.33333334],
    ['FP32', Math.fround(1e-7), 1e-7],
    ['FP32', Math.fround(1e-45), 1e-45],
    ['FP32', Math.fround(-0.1), -0.1],
    ['FP32', Math.fround(123.456), 123.456],
    ['FP32', 0.5, 0.5],
    ['FP32', 16_777_215, 16_777_215],
    ['FP32', 2 ** 31, 2 ** 31],
    ['FP32', 0.123456789123, 0.123456789123],
    ['FP16', Math.f16round(0.3), 0.3],
    ['FP16', Math.f16round(0.1), 0.1],
    ['FP16', Math.f16round(0.95), 0.95],
    ['FP16', Math.f16round(1 / 3), 0.3333],
    ['FP16', 2048, 2048],
    ['BF16', 0.30078125, 0.3],
    ['BF16', 0.69921875, 0.7],
    ['BF16', 0.94921875, 0.95],
    ['BF16', 1.1015625, 1.1],
    ['FP64', 0.1 + 0.2, 0.1 + 0.2],
    ['INT32', 7, 7],
  ])('%s %f is %f', (datatype, value, decimal) => {
    expect(toDecimal(value, datatype)).toBe(decimal)
  })

  it('which rounds to the same number', () => {
    for (let word = 1; word < 2 ** 16; word += 7) {
      const [half] = new Float16Array(Uint16Array.of(word).buffer) as unknown as [number]
      if (Number.isFinite(half)) expect(Math.f16round(toDecimal(half, 'FP16'))).toBe(half)
      const [single] = new Float32Array(Uint32Array.of(word * 65_521).buffer) as unknown as [number]
      if (Number.isFinite(single)) expect(Math.fround(toDecimal(single, 'FP32'))).toBe(single)
    }
  })
})

describe('a parameter in a tensor cuts like the same number in JSON', () => {
  // The thresholds below are sums of these probabilities, so that the last digit matters.
  const logits = [0.1, 0.2, 0.3, 0.4].map((p) => Math.log(p))
  const input = { name: 'logits', datatype: 'FP32', shape: [1, 4], data: logits }

  const encoders: Record<string, (value: number) => Uint8Array> = {
    FP32: (value) => new Uint8Array(Float32Array.of(value).buffer),
    FP16: (value) => new Uint8Array(Float16Array.of(value).buffer),
    BF16: (value) => {
      const [bits] = new Uint32Array(Float32Array.of(value).buffer) as unknown as [number]
      return new Uint8Array(Uint16Array.of((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16).buffer)
    },
    FP64: (value) => new Uint8Array(Float64Array.of(value).buffer),
  }
  const outputs = [{ name: 'probabilities' }, { name: 'kept_count' }]

  async function throughTensor(name: string, value: number, datatype: string) {
    const data = encoders[datatype]!(value)
    const parameters = { binary_data_size: data.length }
    const inputs = [input, { name, datatype, shape: [1], parameters }]
    const head = Buffer.from(JSON.stringify({ inputs, outputs, parameters: { seed: 1 } }))
    const response = await app.inject({
      method: 'POST',
      url: '/v2/models/sample/infer',
      payload: Buffer.concat([head, data]),
      headers: { 'inference-header-content-length': String(head.length) },
    })
    return response.json()
  }

  async function throughJson(inputs: object[], parameters: object) {
    const payload = { inputs, outputs, parameters: { seed: 1, ...parameters } }
    return (await app.inject({ method: 'POST', url: '/v2/models/sample/infer', payload })).json()
  }

  const cases = ['top_p', 'typical_p', 'min_p', 'temperature', 'epsilon_cutoff', 'top_a'].flatMap(
    (name) => [0.3, 0.4, 0.7, 0.9, 0.25].map((value) => [name, value] as const),
  )

  it.each(cases)('%s %f', async (name, value) => {
    const expected = await throughJson([input], { [name]: value })
    expect(expected.outputs).toHaveLength(2)
    for (const datatype of Object.keys(encoders)) {
      expect(await throughTensor(name, value, datatype)).toEqual(expected)
    }
    // The digits of `tolist()` for a float32.
    const listed = { name, datatype: 'FP32', shape: [1], data: [Math.fround(value)] }
    expect(await throughJson([input, listed], {})).toEqual(expected)
  })
})
