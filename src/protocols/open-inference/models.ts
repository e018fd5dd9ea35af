import * as z from 'zod'
import {
  type Operation,
  probabilitiesOperation,
  sampleOperation,
} from '../../request/operations.ts'
import { Datatype } from './inputs.ts'
import { type OutputName, outputs } from './outputs.ts'

/** An operation as clients of the protocol see it. */
export interface Model {
  readonly name: string
  readonly version: string
  readonly meaning: string
  readonly operation: Operation
  readonly outputs: readonly OutputName[]
  /** The outputs of a request that names none. */
  readonly defaults: readonly OutputName[]
}

const VERSION = '1'

/** Outputs that only exist if a field asks for them. */
const reports = ['top', 'scored', 'trace', 'watched'] as const

export const models: readonly Model[] = [
  {
    name: 'sample',
    version: VERSION,
    meaning: 'Draw tokens from logits',
    operation: sampleOperation,
    outputs: [
      'token_ids',
      'logprobs',
      'probabilities',
      'kept_count',
      'entropy',
      'seed',
      'stream',
      ...reports,
      'state',
    ],
    defaults: ['token_ids', 'logprobs'],
  },
  {
    name: 'probabilities',
    version: VERSION,
    meaning: 'Turn logits into probabilities',
    operation: probabilitiesOperation,
    outputs: ['probabilities', 'kept_count', 'entropy', ...reports],
    defaults: ['probabilities'],
  },
]

const TensorMetadata = z
  .object({
    name: z.string(),
    datatype: Datatype,
    shape: z.array(z.int()).meta({ description: '−1 is any length.' }),
  })
  .meta({ title: 'TensorMetadata', description: 'An input or an output of a model.' })

export const ModelMetadata = z
  .object({
    name: z.string(),
    versions: z.array(z.string()),
    platform: z.string(),
    inputs: z.array(TensorMetadata),
    outputs: z.array(TensorMetadata),
  })
  .meta({ title: 'ModelMetadata', description: 'A model of the Open Inference Protocol.' })

/** The metadata of a model. Parameters are left out, because clients take every input for a required one. */
export function describeModel({
  name,
  version,
  outputs: names,
}: Model): z.output<typeof ModelMetadata> {
  return {
    name,
    versions: [version],
    platform: 'kelvin',
    inputs: [{ name: 'logits', datatype: 'FP32', shape: [-1, -1] }],
    outputs: names.map((output) => {
      const { datatype, isList } = outputs[output]
      return { name: output, datatype, shape: isList ? [-1, -1] : [-1] }
    }),
  }
}
