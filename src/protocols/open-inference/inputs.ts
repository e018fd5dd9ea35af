import * as z from 'zod'
import { Problem } from '../../errors.ts'
import { list } from '../../fields/list.ts'
import { describeValue, isList, isObject, parsed } from '../../fields/parsed.ts'
import type { DecodedText } from '../../tensors/bytes.ts'
import type { Dtype } from '../../tensors/elements.ts'
import { datatypeNames, datatypeOf } from './datatypes.ts'

/** What a request of the Open Inference Protocol may be. */

/** The input that is not a parameter. */
export const LOGITS = 'logits'

/** The parameter of a request that is about its answer. */
export const BINARY_OUTPUT = 'binary_data_output'

type ParameterValue = string | number | boolean | DecodedText

const OTHERS = 'a list is a text with commas, and a value for each row is an input'

/** A parameter that is null is left out. */
const Parameters = parsed(
  {
    title: 'InferParameters',
    description: 'Texts, numbers and booleans, by name.',
    type: 'object',
    additionalProperties: {
      title: 'InferParameter',
      anyOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }],
    },
  },
  (value, fault): Readonly<Record<string, ParameterValue | null>> => {
    if (!isObject(value)) return fault([], `Expected an object, got ${describeValue(value)}`)
    for (const [name, given] of Object.entries(value)) {
      if (isList(given) || isObject(given)) {
        const how = isList(given) ? OTHERS : 'an object is a text of JSON'
        fault([name], `Expected a text, number or boolean, got ${describeValue(given)}; ${how}`)
      }
    }
    return value as Record<string, ParameterValue | null>
  },
)

export const Datatype = z.enum(datatypeNames).meta({ title: 'Datatype' })

const Input = z
  .strictObject({
    name: z.string(),
    shape: list(z.int().min(0), {
      description: 'Dimensions of the tensor.',
      maxItems: 8,
    }),
    datatype: Datatype,
    parameters: Parameters.optional(),
    data: z
      .unknown()
      .meta({
        description:
          'Elements of the tensor, row-major, flat or nested. Omitted if they follow in binary.',
      })
      .optional(),
  })
  .meta({ title: 'InferInput', description: 'A tensor of a request.' })
export type Input = z.output<typeof Input>

const RequestedOutput = z
  .strictObject({ name: z.string(), parameters: Parameters.optional() })
  .meta({ title: 'InferRequestedOutput', description: 'An output to answer with.' })

export const InferRequest = z
  .strictObject({
    id: z.string().optional().meta({ description: 'Returned with the answer.' }),
    parameters: Parameters.optional(),
    inputs: list(Input, {
      description: 'The logits, and sampling parameters as tensors.',
      minItems: 1,
      maxItems: 256,
    }),
    outputs: list(RequestedOutput, {
      description: 'Outputs to answer with.',
      maxItems: 256,
    }).optional(),
    model_name: z
      .string()
      .optional()
      .meta({ description: 'Version of the model in the path, if any.' }),
    model_version: z
      .string()
      .optional()
      .meta({ description: 'Version of the model in the path, if any.' }),
  })
  .meta({ title: 'InferRequest', description: 'A request of the Open Inference Protocol.' })
export type InferRequest = z.output<typeof InferRequest>

/** Something is wrong with an input. */
export function fault(name: string, detail: string): never {
  throw new Problem('INVALID_REQUEST', `input "${name.slice(0, 64)}": ${detail}`)
}

/** Parameters that clients copy from their own transport. */
const TRANSPORT = ['content_type', 'headers']

/** Refuse parameters of an input or output that have no meaning; `owner` is which. */
export function checkParameters(
  owner: string,
  parameters: Readonly<Record<string, unknown>> = {},
  known: readonly string[],
): void {
  for (const [name, value] of Object.entries(parameters)) {
    if (value === null || known.includes(name) || TRANSPORT.includes(name)) continue
    const quoted = JSON.stringify(name.slice(0, 64))
    const detail = name.startsWith('shared_memory')
      ? `${quoted}: there is no shared memory here; send the data in the body, and read it from the answer`
      : `unknown parameter ${quoted}: there are ${known.join(' and ')}`
    throw new Problem('INVALID_REQUEST', `${owner}: ${detail}`)
  }
}

/** A parameter that says yes or no; what is left out says nothing. */
export function readFlag(owner: string, name: string, value: unknown): boolean | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'boolean') return value
  const detail = `${owner}: Expected ${name} to be true or false, got ${describeValue(value)}`
  throw new Problem('INVALID_REQUEST', detail)
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
