import { Unreachable } from './api.ts'
import type { Opened, Question } from './model-worker.ts'

/** The language model, which runs in a worker so that the page stays smooth. */
export interface LanguageModel extends Opened {
  /** The tokens of a text, after the token that begins one. */
  encode(text: string): Promise<number[]>
  /** The logits of the token after these. Texts have names, because the model keeps what it has computed for each. */
  next(text: string, ids: readonly number[]): Promise<Float32Array>
  close(): void
}

/** A file of a model that cannot be used. The message is for the user. */
export class BadModel extends Error {}

export interface ModelFiles {
  readonly checkpoint: ArrayBuffer
  readonly tokenizer: ArrayBuffer
}

/** Starts the worker with the files of a model in the format of llama2.c. */
export async function openModel(files: ModelFiles): Promise<LanguageModel> {
  const worker = new Worker('/playground/model-worker.js', { type: 'module' })
  const waiting = new Map<number, PromiseWithResolvers<never>>()
  let asked = 0
  worker.onmessage = ({ data: { id, answer, error } }: MessageEvent) => {
    const one = waiting.get(id)!
    waiting.delete(id)
    if (error === undefined) one.resolve(answer as never)
    else one.reject(new BadModel(error))
  }
  const failAll = () => {
    for (const one of waiting.values()) one.reject(new BadModel('The model has stopped'))
    waiting.clear()
  }
  worker.onerror = failAll

  function ask<Answer>(question: Question): Promise<Answer> {
    const answer = Promise.withResolvers<Answer>()
    const id = asked++
    waiting.set(id, answer as unknown as PromiseWithResolvers<never>)
    worker.postMessage({ id, question })
    return answer.promise
  }

  try {
    const opened = await ask<Opened>({ kind: 'open', ...files })
    return {
      ...opened,
      encode: (text) => ask({ kind: 'encode', text }),
      next: (text, ids) => ask({ kind: 'next', text, ids }),
      close() {
        failAll()
        worker.terminate()
      },
    }
  } catch (error) {
    worker.terminate()
    throw error
  }
}

async function load(path: string): Promise<ArrayBuffer> {
  const response = await fetch(path).catch(() => undefined)
  if (!response?.ok) throw new Unreachable('The model cannot be loaded')
  return response.arrayBuffer()
}

/** The model that Kelvin ships. */
export async function openOwnModel(): Promise<LanguageModel> {
  const [checkpoint, tokenizer] = await Promise.all([
    load('/playground/tales.bin'),
    load('/playground/tales-tokenizer.bin'),
  ])
  return openModel({ checkpoint, tokenizer })
}
