import { describe, expect, it } from 'vitest'
import { Problem } from '../../src/errors.ts'
import { aliases, valueAliases } from '../../src/request/aliases.ts'
import {
  type Operation,
  probabilitiesOperation,
  sampleOperation,
} from '../../src/request/operations.ts'
import { suggestField } from '../../src/request/suggest.ts'
import { validate } from '../../src/request/validate.ts'
import { profiles } from '../../src/sampling/profiles/index.ts'
import { kelvinOrder } from '../../src/sampling/registry.ts'
import { dtypes } from '../../src/tensors/dtypes.ts'

const fields = [...Object.keys(sampleOperation.Fields.shape), 'logits', 'rows']

/** The error about an unknown field in a request. */
function told(name: string, operation: Operation = sampleOperation): string {
  try {
    validate(operation.Request, { logits: [1, 2], [name]: 1 })
  } catch (error) {
    if (error instanceof Problem) return error.faults[0]!.detail
  }
  throw new Error(`Expected ${name} to be refused`)
}

describe('the table of aliases', () => {
  const plain = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '')
  const rows = aliases.flatMap((alias) => alias.names.map((name) => ({ name, ...alias })))

  it.each(rows)('$name leads to a field that exists', ({ name, use, says = '' }) => {
    const named = [...says.matchAll(/`([^`]+)`/g)].map(([, words]) => words!.split(':')[0]!)
    const targets = [...(use ? [use] : []), ...named]
    const values = ['processed', 'raw']
    for (const target of targets) expect([...fields, ...values]).toContain(target)
    expect(Boolean(use) || says.length > 0).toBe(true)
    expect(says).toMatch(/[^.]$|^$/)

    const words = told(name)
    expect(words).toContain(`Unknown field "${name}"`)
    if (use) expect(words).toContain(`did you mean "${use}"?`)
    expect(words).toContain(says.replaceAll('`', ''))
  })

  it('has each name once, and no name of a field', () => {
    const names = rows.map(({ name }) => plain(name))
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([])
    expect(names.filter((name) => fields.map(plain).includes(name))).toEqual([])
  })

  it('has values that exist', () => {
    const others = ['processed', 'raw', 'all', 'none']
    const known = [...dtypes, ...kelvinOrder, ...profiles.map(({ name }) => name), ...others]
    for (const value of Object.keys(valueAliases)) expect(known).toContain(value)
  })
})

describe('a misspelt name', () => {
  it.each([
    ['topK', ['top_k']],
    ['topP', ['top_p']],
    ['TOP_P', ['top_p']],
    ['top-p', ['top_p']],
    ['topp', ['top_p']],
    ['minP', ['min_p']],
    ['Temperature', ['temperature']],
    ['tempreature', ['temperature']],
    ['temperture', ['temperature']],
    ['temper', ['temperature']],
    ['repetitionPenalty', ['repetition_penalty']],
    ['repitition_penalty', ['repetition_penalty']],
    ['presense_penalty', ['presence_penalty']],
    ['prompt_token_id', ['prompt_token_ids']],
    ['output_tokens_ids', ['output_token_ids']],
    ['last_n', ['dry_penalty_last_n', 'penalty_last_n']],
    ['with_replacement', ['replacement']],
    ['token_bit_mask', ['token_bitmask']],
    ['bias', ['logit_bias', 'sequence_bias']],
    ['steam', ['stream']],
  ])('%s gets the suggestion %j', (name, expected) => {
    const words = told(name)
    const guesses = expected.map((one) => `"${one}"`).join(' or ')
    expect(words).toBe(`Unknown field "${name}"; did you mean ${guesses}?`)
  })

  it.each(['foo', 'x', 'ordinal', 'quantum', 'top', 'penalty', 'top_q', 'zzzzzzzzzz', '🙂', ''])(
    '%j gets no suggestion',
    (name) => {
      expect(told(name)).toBe(`Unknown field ${JSON.stringify(name)}`)
    },
  )

  it('fields of the other operation are not suggested', () => {
    expect(told('num_return_sequences')).toContain('"n"')
    expect(told('num_return_sequences', probabilitiesOperation)).toBe(
      'Unknown field "num_return_sequences"',
    )
  })

  it('takes no longer for long names', () => {
    expect(suggestField('temperature'.repeat(1000), fields)).toBe('')
  })
})

describe('a value of an enum', () => {
  const fault = (given: object) => {
    try {
      validate(sampleOperation.Request, { logits: [1, 2], ...given })
    } catch (error) {
      if (error instanceof Problem) return error.faults[0]!
    }
    throw new Error('Expected a problem')
  }

  it.each([
    [{ order: ['typ_p'] }, '/order/0', 'typical_p'],
    [{ order: ['top_k', 'temp'] }, '/order/1', 'temperature'],
    [{ order: ['rep_pen'] }, '/order/0', 'repetition_penalty'],
    [{ order: ['topP'] }, '/order/0', 'top_p'],
    [{ order: ['nsigma'] }, '/order/0', 'top_n_sigma'],
    [{ profile: 'vLLM' }, '/profile', 'vllm'],
    [{ profile: 'llamacpp' }, '/profile', 'llama.cpp'],
    [{ profile: 'hf' }, '/profile', 'transformers'],
    [{ logits: { dtype: 'fp16', shape: [1], data: '' } }, '/logits/dtype', 'float16'],
    [{ logits: { dtype: 'torch.bfloat16', shape: [1], data: '' } }, '/logits/dtype', 'bfloat16'],
    [{ return_probabilities: 'Kept' }, '/return_probabilities', 'kept'],
    [{ return_probabilities: 'full' }, '/return_probabilities', 'all'],
  ])('%j', (given, pointer, guess) => {
    const { pointer: place, detail } = fault(given)
    expect(place).toBe(pointer)
    expect(detail).toMatch(/^Expected one of "/)
    expect(detail).toMatch(
      new RegExp(`, got "[^"]*"; did you mean "${guess.replace('.', '\\.')}"\\?$`),
    )
  })

  it('lists every sampler', () => {
    const { detail } = fault({ order: ['who'] })
    for (const name of kelvinOrder) expect(detail).toContain(`"${name}"`)
    expect(detail).not.toContain('did you mean')
  })
})
