import { type Operation, probabilitiesOperation, sampleOperation } from '../request.ts'
import { type OutputName, outputs } from './response.ts'

/** An operation under the name by which clients of the protocol ask for it. */
export interface Model {
  readonly name: string
  readonly version: string
  readonly operation: Operation
  readonly outputs: readonly OutputName[]
  /** The outputs of a request that names none. */
  readonly defaults: readonly OutputName[]
}

const VERSION = '1'

export const models: readonly Model[] = [
  {
    name: 'sample',
    version: VERSION,
    operation: sampleOperation,
    outputs: ['token_ids', 'logprobs', 'probabilities', 'kept_count', 'entropy', 'seed'],
    defaults: ['token_ids', 'logprobs'],
  },
  {
    name: 'probabilities',
    version: VERSION,
    operation: probabilitiesOperation,
    outputs: ['probabilities', 'kept_count', 'entropy'],
    defaults: ['probabilities'],
  },
]

/** What a client is told of a model. Parameters are left out: a client may think every input needed. */
export function describeModel({ name, version, outputs: names }: Model) {
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
