import type { IncomingHttpHeaders } from 'node:http'
import type { Problem } from '../errors.ts'
import type { SamplingRequest } from '../request/operations.ts'
import type { Query } from '../request/query.ts'
import type { ReportOf, RequestRow } from '../request/request-row.ts'
import type { RowResult } from '../sampling/sample.ts'
import type { Push } from './http-body.ts'
import type { Hold, Steps } from './steps.ts'

/** What a protocol knows of a request before its body is read. */
interface Head {
  readonly headers: IncomingHttpHeaders
  readonly query: Query
  /** Bytes of the body, where that is announced and the body is not compressed. */
  readonly length: number | undefined
  /** Most bytes that a body may have. */
  readonly limit: number
}

/** What a body asks for. */
export interface Asked {
  readonly request: SamplingRequest
}

/** Takes a body in as it arrives. */
interface BodyReader<Own extends Asked = Asked> {
  push: Push
  /** The whole body is in. */
  end(): Own
  /** The answer is over, whatever became of it. */
  release(): void
}

/** A request whose head is checked. */
interface Reading<Own extends Asked = Asked> {
  /** The label of this kind of body in metrics and traces; the cost of a request is estimated for each kind. */
  readonly transport: string
  /** Makes what takes the body, when it may come. */
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

/** How logits come in and results go out, for one operation. It changes no number. */
export interface Protocol<Own extends Asked = Asked> {
  /** Checks the head of a request, or throws a problem. */
  read(head: Head): Reading<Own>
  /** What a row must report for `write`. */
  reportOf(asked: Own): ReportOf
  /** Writes results as they come; an `undefined` among them is a place where the work may pause. */
  write(
    asked: Own,
    rows: readonly RequestRow[],
    results: Iterable<RowResult | undefined>,
    hold: Hold,
  ): Answer | Steps<Answer>
  failure(problem: Problem, requestId: string): Failure
}
