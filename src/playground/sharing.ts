import { post } from './api.ts'
import { textOfRow } from './asks.ts'
import { BadLink, type Linked, packRow, toFragment, wordsFor } from './link.ts'
import { answerOf, type Change, type Model, shownTokens } from './model.ts'
import { bodyText } from './request.ts'
import { LOGITS_FILE } from './snippets/snippet.ts'
import type { SampleAnswer } from './types.ts'

/** Links, code and files that the user takes from the page. */

/** The state of the page for a link, without answers. */
export function toLinked(model: Model): Linked {
  const { row, fields, vocabulary, inspected, presets, answer } = model
  const preset = presets.find(({ id }) => id === row.preset)
  const history = [fields.prompt_token_ids, fields.output_token_ids].flatMap(
    (ids) => (ids ?? []) as number[],
  )
  const inSight = [...shownTokens(model), ...history, ...(answer?.result.token_ids ?? [])]
  return {
    fields,
    ...packRow(row),
    ...(preset?.vocabulary !== vocabulary && {
      vocabulary: vocabulary.name,
      words: wordsFor(vocabulary, inSight),
    }),
    ...(inspected !== undefined && { inspected }),
  }
}

/** Copies text. A page from a plain http address has no `navigator.clipboard`, so there it copies a selection. */
async function toClipboard(text: string): Promise<boolean> {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text)
    return true
  }
  const area = document.createElement('textarea')
  area.value = text
  document.body.append(area)
  area.select()
  const isCopied = document.execCommand('copy')
  area.remove()
  return isCopied
}

export function createSharing(model: Model, changed: (change: Change) => void) {
  async function copy(text: string, what: string): Promise<void> {
    const isCopied = await toClipboard(text).catch(() => false)
    model.copied = isCopied ? `Copied the ${what}.` : 'This browser does not allow a page to copy.'
    changed('view')
  }

  return {
    copy,

    async copyLink(): Promise<void> {
      try {
        const fragment = await toFragment(toLinked(model))
        history.replaceState(null, '', `#${fragment}`)
        await copy(location.href, 'link')
      } catch (error) {
        if (!(error instanceof BadLink)) throw error
        model.copied = error.message
        changed('view')
      }
    },

    saveLogits(): void {
      const url = URL.createObjectURL(new Blob([model.row.logits as Float32Array<ArrayBuffer>]))
      const anchor = document.createElement('a')
      anchor.href = url
      anchor.download = LOGITS_FILE
      anchor.click()
      URL.revokeObjectURL(url)
    },

    /** Sends the last request again. The answer must have the same tokens. */
    async replay(): Promise<void> {
      const answer = answerOf(model)
      if (!answer) return
      const { row, fields, result } = answer
      const body = bodyText(textOfRow(row), { ...fields, seed: result.seed })
      const { results } = await post<SampleAnswer>('/v1/sample', body, AbortSignal.timeout(10_000))
      const { token_ids, seed } = results[0]!
      const isSame = token_ids.join() === result.token_ids.join()
      model.said = isSame
        ? `Seed ${seed} drew the same ${token_ids.length === 1 ? 'token' : `${token_ids.length} tokens`} again.`
        : 'Other tokens were drawn. This is a bug: please report it.'
      changed('view')
    },
  }
}
