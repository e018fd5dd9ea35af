import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const executable = process.env.FIREFOX ?? '/usr/bin/firefox-esr'

/** Without Firefox its tests are skipped. CI has it. */
export const hasFirefox = existsSync(executable)

interface Message {
  id?: number
  method?: string
  result?: unknown
  params?: { level?: string; text?: string }
  message?: string
}

/**
 * A page in Firefox, driven with WebDriver BiDi. playwright-core needs commands of this protocol that Firefox's release
 * for long-term support does not have.
 */
export async function openFirefox(size: { width: number; height: number }) {
  const profile = mkdtempSync(join(tmpdir(), 'kelvin-firefox-'))
  const args = ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port=0']
  const firefox = spawn(executable, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = new Promise((resolve) => firefox.once('exit', resolve))
  let address: string | undefined
  for await (const line of createInterface(firefox.stderr)) {
    address = /WebDriver BiDi listening on (ws:\S+)/.exec(line)?.[1]
    if (address) break
  }
  firefox.stderr.resume()
  const socket = new WebSocket(`${address}/session`)
  await new Promise((resolve, reject) => {
    socket.onopen = resolve
    socket.onerror = reject
  })
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  const complaints: string[] = []
  socket.onmessage = ({ data }) => {
    const { id, method, result, params, message }: Message = JSON.parse(data)
    if (method === 'log.entryAdded' && params!.level === 'error') complaints.push(params!.text!)
    if (id === undefined) return
    if (message) waiting.get(id)!.reject(new Error(message))
    else waiting.get(id)!.resolve(result)
  }
  let sent = 0
  function send<Result>(method: string, params: object): Promise<Result> {
    const answer = Promise.withResolvers<unknown>()
    waiting.set(++sent, answer)
    socket.send(JSON.stringify({ id: sent, method, params }))
    return answer.promise as Promise<Result>
  }

  await send('session.new', { capabilities: {} })
  await send('session.subscribe', { events: ['log.entryAdded'] })
  const { context } = await send<{ context: string }>('browsingContext.create', { type: 'tab' })
  await send('browsingContext.setViewport', { context, viewport: size })

  return {
    complaints,
    goto: (url: string) => send('browsingContext.navigate', { context, url, wait: 'complete' }),

    /** Evaluates an expression in the page. Its value must be a text. */
    async evaluate(expression: string): Promise<string> {
      const options = { target: { context }, awaitPromise: true }
      const { result } = await send<{ result: { value: string } }>('script.evaluate', {
        expression,
        ...options,
      })
      return result?.value
    },

    /** A picture of the page, as PNG. */
    async screenshot(): Promise<Buffer> {
      const { data } = await send<{ data: string }>('browsingContext.captureScreenshot', {
        context,
      })
      return Buffer.from(data, 'base64')
    },

    async [Symbol.asyncDispose]() {
      socket.close()
      firefox.kill()
      await ended
      rmSync(profile, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}
