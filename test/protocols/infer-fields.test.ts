import { describe, expect, it } from 'vitest'
import { testApp } from '../app.ts'

/** /v2 has every field of /v1, or answers that it does not. */

const app = await testApp()
const url = '/v2/models/sample/infer'
const row = [2, 1, 0.5, -1, -3]
const logits = { name: 'logits', datatype: 'FP32', shape: [1, 5], data: row }

interface Output {
  name: string
  datatype: string
  shape: number[]
  data: (number | string)[]
}

async function infer(request: object, path = url) {
  const payload = { inputs: [logits], ...request }
  const response = await app.inject({ method: 'POST', url: path, payload })
  const { outputs = [], parameters, error } = response.json()
  const named = Object.fromEntries((outputs as Output[]).map((output) => [output.name, output]))
  const warnings = JSON.parse(parameters?.warnings ?? '[]') as { code: string; message: string }[]
  return { status: response.statusCode, named, error: error as string, warnings }
}

async function sample(request: object) {
  const payload = { logits: row, ...request }
  return (await app.inject({ method: 'POST', url: '/v1/sample', payload })).json()
}

const read = (output: Output | undefined) => output?.data.map((text) => JSON.parse(String(text)))

it('takes the logits of guidance as an input', async () => {
  const other = [1, 1, 1, 2, -1]
  const fields = { guidance_scale: 1.5, seed: 3 }
  const { results } = await sample({ ...fields, unconditional_logits: other })
  const input = { name: 'unconditional_logits', datatype: 'FP32', shape: [1, 5], data: other }
  const { named } = await infer({ inputs: [logits, input], parameters: fields })
  expect(named.token_ids!.data).toEqual(results[0].token_ids)
  expect(named.logprobs!.data[0]).toBeCloseTo(results[0].logprobs[0], 5)
})

describe('a report that a field asks for', () => {
  it('is an output if the request names none', async () => {
    const fields = { top_logprobs: 2, trace: true, top_k: 3, mirostat: 2, seed: 1 }
    const lists = { logprob_token_ids: [1, 4], watch_token_ids: [4] }
    const texts = { logprob_token_ids: '1,4', watch_token_ids: '4' }
    const { results } = await sample({ ...fields, ...lists })
    const { named, warnings } = await infer({ parameters: { ...fields, ...texts } })
    for (const name of ['top', 'scored', 'trace', 'watched', 'state']) {
      expect(named[name]).toMatchObject({ datatype: 'BYTES', shape: [1] })
      expect(read(named[name]), name).toEqual([results[0][name]])
    }
    expect(warnings).toEqual([])
    expect(Object.keys((await infer({})).named)).toEqual(['token_ids', 'logprobs'])
  })

  it('is null for a row that does not ask for it', async () => {
    const two = { ...logits, shape: [2, 5], data: [...row, ...row] }
    const counts = { name: 'top_logprobs', datatype: 'INT32', shape: [2], data: [0, 2] }
    const outputs = [{ name: 'top' }, { name: 'state' }]
    const { named } = await infer({ inputs: [two, counts], outputs })
    expect(read(named.top)).toEqual([null, expect.objectContaining({ token_ids: [0, 1] })])
    expect(read(named.state)).toEqual([null, null])
  })

  it('gets a warning if the named outputs leave it out', async () => {
    const parameters = { top_logprobs: 2, mirostat: 2 }
    const { warnings } = await infer({ parameters, outputs: [{ name: 'token_ids' }] })
    const left = warnings.filter(({ code }) => code === 'OUTPUT_LEFT_OUT')
    expect(left.map(({ message }) => message.split(' ')[1])).toEqual(['top', 'state'])
  })

  it('is binary if that is asked for', async () => {
    const payload = {
      inputs: [logits],
      parameters: { top_logprobs: 1, binary_data_output: true, seed: 1 },
    }
    const response = await app.inject({ method: 'POST', url, payload })
    const length = Number(response.headers['inference-header-content-length'])
    const { outputs } = JSON.parse(response.rawPayload.toString('utf8', 0, length))
    const size = outputs.at(-1).parameters.binary_data_size
    const bytes = response.rawPayload.subarray(-size)
    expect(bytes.readUInt32LE()).toBe(size - 4)
    expect(JSON.parse(bytes.toString('utf8', 4))).toMatchObject({ token_ids: [0] })
  })

  it('is an output of the other model, too', async () => {
    const path = '/v2/models/probabilities/infer'
    const { named } = await infer({ parameters: { trace: true, top_p: 0.5 } }, path)
    expect(Object.keys(named)).toEqual(['probabilities', 'trace'])
  })
})

describe('the state of an answer is sent with the next step', () => {
  const fields = { mirostat: 2, mirostat_tau: 1, seed: 5 }

  it('as a parameter', async () => {
    let state: string | undefined
    let expected: object | undefined
    for (let step = 0; step < 4; step++) {
      const parameters = { ...fields, step, ...(state && { state }) }
      const { named } = await infer({ parameters })
      const { results } = await sample({ ...fields, step, state: expected })
      expect(named.token_ids!.data).toEqual(results[0].token_ids)
      expect(read(named.state)).toEqual([results[0].state])
      state = String(named.state!.data[0])
      expected = results[0].state
    }
  })

  it('as an input, one for each row', async () => {
    const two = { ...logits, shape: [2, 5], data: [...row, ...row] }
    const data = ['{"mirostat_mu":0.5}', 'null']
    const states = { name: 'state', datatype: 'BYTES', shape: [2], data }
    const { named } = await infer({ inputs: [two, states], parameters: fields })
    const { results } = await sample({
      logits: [row, row],
      ...fields,
      rows: [{ state: { mirostat_mu: 0.5 } }, {}],
    })
    expect(read(named.state)).toEqual(results.map(({ state }: { state: object }) => state))
  })

  it('in the query of a tensor body', async () => {
    const { results } = await sample(fields)
    const query = new URLSearchParams({
      mirostat: '2',
      mirostat_tau: '1',
      seed: '5',
      step: '1',
      state: JSON.stringify(results[0].state),
    })
    const response = await app.inject({
      method: 'POST',
      url: `/v1/sample?${query}`,
      payload: Buffer.concat([Buffer.from(Float32Array.from(row).buffer)]),
      headers: { 'content-type': 'application/octet-stream' },
    })
    expect(response.json()).toEqual(await sample({ ...fields, step: 1, state: results[0].state }))
  })
})

describe('fields that are objects or JSON', () => {
  it.each([
    ['logit_bias', { 1: 5 }],
    ['sequence_bias', [{ token_ids: [2], bias: 9 }]],
    ['bad_words_ids', [[0]]],
    ['exponential_decay_length_penalty', { start: -1, factor: 2 }],
  ])('%s is a parameter or an input, as JSON text', async (name, value) => {
    const outputs = [{ name: 'probabilities' }]
    const text = JSON.stringify(value)
    const asParameter = await infer({ outputs, parameters: { [name]: text, stop_token_ids: '1' } })
    const input = { name, datatype: 'BYTES', shape: [1], data: [text] }
    const parameters = { stop_token_ids: '1' }
    const asInput = await infer({ outputs, parameters, inputs: [logits, input] })
    const { results } = await sample({ [name]: value, stop_token_ids: [1] })
    const expected = results[0].probabilities.map(Math.fround)
    expect(asParameter.named.probabilities!.data).toEqual(expected)
    expect(asInput.named.probabilities!.data).toEqual(expected)
  })
})

describe('a mask in words', () => {
  const mask = (datatype: string, data: unknown[]) => ({
    inputs: [logits, { name: 'token_bitmask', datatype, shape: [1], data }],
    parameters: { seed: 1 },
    outputs: [{ name: 'kept_count' }],
  })

  it.each([
    ['INT32', 0b11],
    ['UINT32', 0b11],
    ['INT32', -1],
    ['UINT32', 2 ** 32 - 1],
  ])('is %s %i', async (datatype, word) => {
    const { named } = await infer(mask(datatype, [word]))
    expect(named.kept_count!.data).toEqual([word === 0b11 ? 2 : 5])
  })

  it.each([
    ['BYTES', 'Aw=='],
    ['FP32', 3],
    ['BOOL', true],
    ['INT64', 3],
    ['UINT8', 3],
  ])('is no %s', async (datatype, word) => {
    const { status, error } = await infer(mask(datatype, [word]))
    expect(status).toBe(400)
    expect(error).toBe(
      `input "token_bitmask": Expected the words of the mask as INT32, got ${datatype}`,
    )
  })

  it.each([2 ** 40, 1.5, '3', true])('has no word %j', async (word) => {
    expect((await infer(mask('INT32', [word]))).error).toMatch(
      /words of 32 bits, got .* at index 0/,
    )
  })
})

describe('nothing is ignored silently', () => {
  const shared = { shared_memory_region: 'a', shared_memory_byte_size: 20 }

  it.each<[object, RegExp]>([
    [{ temperature: 0 }, /"temperature"; send fields of \/v1 in "parameters" or as inputs/],
    [{ inputs: [{ ...logits, foo: 1 }] }, /inputs\/0\/foo: Unknown field "foo"/],
    [{ outputs: [{ name: 'token_ids', shape: [1] }] }, /outputs\/0\/shape: Unknown field/],
    [
      { outputs: [{ name: 'token_ids', parameters: shared }] },
      /"token_ids": Shared memory is off: set SHARED_MEMORY_DIR/,
    ],
    [
      { inputs: [{ ...logits, data: undefined, parameters: shared }] },
      /"logits": Shared memory is off: set SHARED_MEMORY_DIR/,
    ],
    [
      { inputs: [{ ...logits, parameters: shared }] },
      /"logits": Expected the elements in shared memory alone, got them in the body too/,
    ],
    [
      { inputs: [logits, { name: 'top_p', datatype: 'FP32', shape: [1], parameters: shared }] },
      /"top_p": Shared memory is off: set SHARED_MEMORY_DIR/,
    ],
    [
      { outputs: [{ name: 'token_ids', parameters: { binary: true } }] },
      /output "token_ids": unknown parameter "binary": use binary_data or classification/,
    ],
    [
      { inputs: [{ ...logits, parameters: { binary_data: true } }] },
      /unknown parameter "binary_data": use binary_data_size/,
    ],
    [
      { outputs: [{ name: 'token_ids', parameters: { binary_data: 'true' } }] },
      /Expected binary_data to be true or false, got "true"/,
    ],
    [{ parameters: { binary_data_output: 1 } }, /binary_data_output to be true or false, got 1/],
    [
      { inputs: [{ ...logits, parameters: { binary_data_size: 20 } }] },
      /Expected data or binary_data_size, got both/,
    ],
    [
      { inputs: [logits, { name: 'temperature', datatype: 'FP32', shape: [1] }] },
      /"temperature": Expected data or binary_data_size, got neither/,
    ],
    [{ parameters: { max_tokens: 5 } }, /Kelvin draws one step/],
    [{ parameters: { foo: 5 } }, /Unknown field "foo"/],
  ])('%j is refused', async (request, words) => {
    const { status, error } = await infer(request)
    expect(status).toBe(400)
    expect(error).toMatch(words)
  })

  it.each([
    [{ sequence_id: 7, sequence_start: true }, ['sequence_id', 'sequence_start']],
    [{ priority: 1, timeout: 1000 }, ['priority', 'timeout']],
    [{ triton_enable_empty_final_response: true }, ['triton_enable_empty_final_response']],
    [{ priority: 0, sequence_end: false, timeout: null }, []],
    [{ return_probabilities: 'all', encoding: 'base64' }, ['return_probabilities', 'encoding']],
  ])('%j has no effect, with a warning', async (parameters, names) => {
    const { status, warnings } = await infer({ parameters })
    expect(status).toBe(200)
    expect(warnings.map(({ code }) => code)).toEqual(names.map(() => 'PARAMETER_WITHOUT_EFFECT'))
    expect(warnings.map(({ message }) => message.split(' ')[0])).toEqual(names)
  })

  it('accepts parameters that clients add, and the name of the model', async () => {
    const inputs = [{ ...logits, parameters: { content_type: 'np' } }]
    const same = await infer({ inputs, model_name: 'sample', model_version: '1' })
    expect(same).toMatchObject({ status: 200, warnings: [] })
    const other = await infer({ inputs, model_name: 'resnet', model_version: '2' })
    expect(other.warnings.map(({ message }) => message)).toEqual([
      'model_name has no effect: the path selects the model, sample of version 1',
      'model_version has no effect: the path selects the model, sample of version 1',
    ])
  })

  it.each([{ data: [] }, { data: null }, {}, { parameters: { binary_data_size: 0 } }])(
    'takes an input without elements: %j',
    async (given) => {
      const empty = { name: 'output_token_ids', datatype: 'INT64', shape: [1, 0], ...given }
      expect(await infer({ inputs: [logits, empty] })).toMatchObject({ status: 200, warnings: [] })
    },
  )

  it('a long text that is no base64 gets an error that says to send an input', async () => {
    const ids = Array.from({ length: 3000 }, () => 1).join()
    const long = { ...logits, shape: [1, 5000], data: Array.from({ length: 5000 }, () => 1) }
    const { error } = await infer({ inputs: [long], parameters: { output_token_ids: ids } })
    expect(error).toMatch(/output_token_ids: 5999 characters .* send it as an input/)
  })
})
