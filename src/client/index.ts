/** kelvin/client: a client for Node. */
export type { Answer } from './answer.ts'
export type { DecodedToken, DecodeOptions, DecodeParams, Forward } from './decode.ts'
export { KelvinError } from './error.ts'
export { Kelvin } from './kelvin.ts'
export type { Batch, Dtype, Logits, Row, Tensor } from './logits.ts'
export type { CallOptions, ClientOptions } from './transport.ts'
export type {
  ProbabilitiesParams,
  ProbabilitiesResult,
  Problem,
  SampleParams,
  SampleResult,
  SparseLogits,
  Warning,
} from './types.ts'
