import type { FastifyInstance } from 'fastify'
import type { Admission } from '../admission/admission.ts'
import type { Config } from '../config.ts'
import type { Protocol } from '../protocols/protocol.ts'
import type { SharedMemory } from '../shared-memory/shared-memory.ts'

export interface ApiContext {
  readonly config: Config
  readonly admission: Admission
  readonly sharedMemory: SharedMemory
  /** The server's own version. */
  readonly version: string
}

/** The routes of a protocol, under one prefix. */
export interface Api {
  readonly prefix: string
  /** Headers of answers that pages of other origins may read. */
  readonly exposedHeaders: readonly string[]
  /** Formats errors, including those of requests that reach no route. */
  readonly failure: Protocol['failure']
  register(app: FastifyInstance, context: ApiContext): Promise<void>
}
