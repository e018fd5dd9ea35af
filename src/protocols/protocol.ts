import type { IncomingHttpHeaders } from 'node:http'
import type { Problem } from '../errors.ts'
import type { SamplingRequest } from '../request/operations.ts'
import type { Query } from '../request/query.ts'
import type { ReportOf, RequestRow } from '../request/request-row.ts'
import type { RowResult } from '../sampling/sample.ts'
import type { Push } from './http-body.ts'
import type { Hold, Steps } from './steps.ts'

/** The head of a request. It is read before the body. */
export interface Head {
  readonly headers: IncomingHttpHeaders
  readonly query: Query
  /** The announced length of the body in bytes; undefined if none is announced or if the body is compressed. */
  readonly length: number | undefined
  /** The largest body that is accepted, in bytes. */
  readonly limit: number
}

/** A request as a protocol reads it. */
export interface Asked {
  readonly request: SamplingRequest
}

/** Reads a body as it arrives. */
interface BodyReader<Own extends Asked = Asked> {
  push: Push
  /** Called after the last piece. Returns the request, or throws a problem. */
  end(): Own
  /** Frees memory. Called when the answer has ended, failed or been aborted. */
  release(): void
}

/** A request whose head is checked. */
interface Reading<Own extends Asked = Asked> {
  /** The label of this kind of body in metrics and traces; the cost of a request is estimated for each kind. */
  readonly transport: string
  /** Called when the request is admitted, before its body is read. */
  open(hold: Hold): BodyReader<Own>
}

export interface Answer {
  readonly headers: Readonly<Record<string, string | number>>
  readonly parts: Steps
}

/** An error as a protocol writes it. */
export interface Failure {
  readonly status: number
  readonly type: string
  readonly body: Buffer
}

/** Reads requests and writes answers of one operation. It changes no number. */
export interface Protocol<Own extends Asked = Asked> {
  /** Checks the head of a request, or throws a problem. */
  read(head: Head): Reading<Own>
  /** The reports that `write` needs from each row. */
  reportOf(asked: Own): ReportOf
  /** Writes results as they come. An `undefined` in `results` is a place where the work may pause. */
  write(
    asked: Own,
    rows: readonly RequestRow[],
    results: Iterable<RowResult | undefined>,
    hold: Hold,
  ): Answer | Steps<Answer>
  failure(problem: Problem, requestId: string): Failure
}
