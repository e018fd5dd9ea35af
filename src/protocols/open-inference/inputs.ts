import * as z from 'zod'
import { Problem } from '../../errors.ts'
import type { DecodedText } from '../../sampling/bytes.ts'
import type { Dtype } from '../../sampling/elements.ts'
import { describeValue, isList, isObject, list, parsed } from '../../sampling/parsed.ts'
import { datatypeNames, datatypeOf } from './datatypes.ts'

/** What a request of the Open Inference Protocol may be. Clients may add fields of their own. */

/** The input that is not a parameter. */
export const LOGITS = 'logits'

type ParameterValue = string | number | boolean | DecodedText

const OTHERS = 'a list is a text with commas, and a value for each row is an input'

/** A parameter that is null is left out. */
const Parameters = parsed(
  {
    description: 'Texts, numbers and booleans by name.',
    type: 'object',
    additionalProperties: {
      anyOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }],
    },
  },
  (value, fault): Readonly<Record<string, ParameterValue | null>> => {
    if (!isObject(value)) return fault([], `Expected an object, got ${describeValue(value)}`)
    for (const [name, given] of Object.entries(value)) {
      if (isList(given) || isObject(given)) {
        fault([name], `Expected a text, number or boolean, got ${describeValue(given)}; ${OTHERS}`)
      }
    }
    return value as Record<string, ParameterValue | null>
  },
)

const Input = z.object({
  name: z.string(),
  shape: list(z.int().min(0), {
    description: 'Its dimensions.',
    items: { type: 'integer', minimum: 0 },
    maxItems: 8,
  }),
  datatype: z.enum(datatypeNames),
  parameters: Parameters.optional(),
  data: z
    .unknown()
    .meta({
      description: 'Its elements, row-major, flat or nested; absent where they follow in binary.',
    })
    .optional(),
})
export type Input = z.output<typeof Input>

const RequestedOutput = z.object({ name: z.string(), parameters: Parameters.optional() })

export const InferRequest = z
  .object({
    id: z.string().optional().meta({ description: 'Comes back with the answer.' }),
    parameters: Parameters.optional(),
    inputs: list(Input, {
      description: 'The logits, and sampling parameters as tensors.',
      items: z.toJSONSchema(Input, { io: 'input' }),
      maxItems: 256,
    }),
    outputs: list(RequestedOutput, {
      description: 'What to answer with.',
      items: z.toJSONSchema(RequestedOutput, { io: 'input' }),
      maxItems: 256,
    }).optional(),
  })
  .meta({ id: 'InferRequest', description: 'A request of the Open Inference Protocol.' })
export type InferRequest = z.output<typeof InferRequest>

/** Something is wrong with an input. */
export function fault(name: string, detail: string): never {
  throw new Problem('INVALID_REQUEST', `input "${name.slice(0, 64)}": ${detail}`)
}

/** How many elements a shape has. */
export function countOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1)
}

/** What the logits are made of; their shape is one or two dimensions, none of them 0. */
export function checkLogits({ name, datatype, shape }: Input): Dtype {
  const { dtype } = datatypeOf(datatype)
  if (!dtype) return fault(name, `Expected FP32, FP16, BF16 or FP64, got ${datatype}`)
  if (shape.length < 1 || shape.length > 2 || countOf(shape) === 0) {
    fault(name, `Expected shape [V] or [B, V], got [${shape}]`)
  }
  return dtype
}
