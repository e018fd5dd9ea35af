import * as z from 'zod'
import { Problem } from '../../errors.ts'
import { list } from '../../fields/list.ts'
import type { DecodedText } from '../../fields/long-values.ts'
import { describeValue, isList, isObject, parsed } from '../../fields/parsed.ts'
import type { Dtype } from '../../tensors/dtypes.ts'
import { datatypeNames, datatypeOf } from './datatypes.ts'

/** The schema of requests of the Open Inference Protocol, and checks of their inputs. */

/** The input that every request needs. All other inputs are sampling parameters. */
export const LOGITS = 'logits'

/** The request's parameter that makes all outputs binary by default. */
export const BINARY_OUTPUT = 'binary_data_output'

type ParameterValue = string | number | boolean | DecodedText

const LIST_HINT = 'send a list as a text with commas, and a value for each row as an input'

/** A parameter that is null counts as omitted. */
const Parameters = parsed(
  {
    title: 'InferParameters',
    description: 'Parameters by name: strings, numbers and booleans.',
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
        const how = isList(given) ? LIST_HINT : 'send an object as JSON text'
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
          'Its elements, row-major, flat or nested. Omitted if they follow the JSON as binary data.',
      })
      .optional(),
  })
  .meta({ title: 'InferInput', description: 'A tensor in a request.' })
export type Input = z.output<typeof Input>

const RequestedOutput = z
  .strictObject({ name: z.string(), parameters: Parameters.optional() })
  .meta({ title: 'InferRequestedOutput', description: 'An output that the answer should have.' })

export const InferRequest = z
  .strictObject({
    id: z.string().optional().meta({ description: 'The answer has the same id.' }),
    parameters: Parameters.optional(),
    inputs: list(Input, {
      description: 'The logits, and sampling parameters that are sent as tensors.',
      minItems: 1,
      maxItems: 256,
    }),
    outputs: list(RequestedOutput, {
      description: 'The outputs of the answer. Omitted: the defaults of the model.',
      maxItems: 256,
    }).optional(),
    model_name: z
      .string()
      .optional()
      .meta({ description: 'Has no effect: the path selects the model.' }),
    model_version: z
      .string()
      .optional()
      .meta({ description: 'Has no effect: the path selects the model.' }),
  })
  .meta({ title: 'InferRequest', description: 'A request of the Open Inference Protocol.' })
export type InferRequest = z.output<typeof InferRequest>

/** Throws a problem about an input. */
export function fault(name: string, detail: string): never {
  throw new Problem('INVALID_REQUEST', `input "${name.slice(0, 64)}": ${detail}`)
}

/** Parameters of inputs and outputs that clients copy from their own transport. They are ignored. */
const TRANSPORT = ['content_type', 'headers']

/** Refuses unknown parameters. `owner` is the input or output that has them. */
export function checkParameters(
  owner: string,
  parameters: Readonly<Record<string, unknown>> = {},
  known: readonly string[],
): void {
  for (const [name, value] of Object.entries(parameters)) {
    if (value === null || known.includes(name) || TRANSPORT.includes(name)) continue
    const quoted = JSON.stringify(name.slice(0, 64))
    const detail = `unknown parameter ${quoted}: use ${known.join(' or ')}`
    throw new Problem('INVALID_REQUEST', `${owner}: ${detail}`)
  }
}

/** A boolean parameter; undefined if it is omitted or null. */
export function readFlag(owner: string, name: string, value: unknown): boolean | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'boolean') return value
  const detail = `${owner}: Expected ${name} to be true or false, got ${describeValue(value)}`
  throw new Problem('INVALID_REQUEST', detail)
}

/** The number of elements of a shape. */
export function countOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1)
}

/** The dtype of the logits. Checks that their shape has one or two dimensions, none of them 0. */
export function checkLogits({ name, datatype, shape }: Input): Dtype {
  const { dtype } = datatypeOf(datatype)
  if (!dtype) return fault(name, `Expected FP32, FP16, BF16 or FP64, got ${datatype}`)
  if (shape.length < 1 || shape.length > 2 || countOf(shape) === 0) {
    fault(name, `Expected shape [V] or [B, V], got [${shape}]`)
  }
  return dtype
}
