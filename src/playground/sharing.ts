import { post } from './api.ts'
import { type Linked, packRow, toFragment, wordsFor } from './link.ts'
import type { Change, Model } from './model.ts'
import { count } from './numbers.ts'
import { bodyText, textOfRow } from './request.ts'
import { LOGITS_FILE } from './snippets/snippet.ts'
import type { SampleAnswer } from './types.ts'

/** Links, code and files that the user takes from the page. */

/** The state of the page for a link, without answers. */
export function toLinked({ dial, fields, textSeed, three }: Model): Linked {
  const { tale, row, vocabulary, inspected, context } = dial
  if (tale) {
    return {
      fields,
      beginning: tale.beginning,
      textSeed,
      three: three.tale!.columns.map(({ temperature }) => temperature),
    }
  }
  const history = [context.prompt_token_ids, context.output_token_ids].flatMap(
    (ids) => (ids ?? []) as number[],
  )
  const inSight = [...history, ...(dial.answer?.result.top?.token_ids ?? [])]
  return {
    fields: { ...fields, ...context },
    ...packRow(row!),
    vocabulary: vocabulary.name,
    words: wordsFor(vocabulary, inSight),
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

/** The longest link. Chats and mail programs break longer ones. */
export const LONGEST_LINK = 8192
/** The file that takes the place of a longer link. */
const REQUEST_FILE = 'kelvin-request.json'

/** The request on screen as JSON, with the words of its tokens. */
function requestText({ dial, fields }: Model): string {
  const { words } = dial.vocabulary
  return bodyText(textOfRow(dial.row!), {
    ...fields,
    ...dial.context,
    ...(words.length > 0 && { words: Array.from(words, (word) => word ?? '') }),
  })
}

function save(name: string, content: BlobPart): void {
  const url = URL.createObjectURL(new Blob([content]))
  const anchor = document.createElement('a')
  anchor.href = url
  anchor.download = name
  anchor.click()
  URL.revokeObjectURL(url)
}

export function createSharing(model: Model, changed: (change: Change) => void) {
  const { dial } = model

  async function copy(text: string, what: string): Promise<void> {
    const isCopied = await toClipboard(text).catch(() => false)
    model.copied = isCopied ? `Copied the ${what}.` : 'This browser does not allow a page to copy.'
    changed('view')
  }

  return {
    copy,

    /** Copies a link to the page in its present state. A link that would be too long becomes a file, which the page opens. */
    async copyLink(): Promise<void> {
      const fragment = await toFragment(toLinked(model))
      const link = `${location.origin}${location.pathname}#${fragment}`
      if (link.length <= LONGEST_LINK) {
        history.replaceState(null, '', link)
        await copy(link, 'link')
        return
      }
      save(REQUEST_FILE, requestText(model))
      model.copied = `A link would have ${count(link.length)} characters, so ${REQUEST_FILE} was saved. The page opens it.`
      changed('view')
    },

    saveLogits: () => save(LOGITS_FILE, dial.row!.logits as Float32Array<ArrayBuffer>),

    /** Sends the last request again. The answer must have the same tokens. */
    async replay(): Promise<void> {
      const { answer } = dial
      if (!answer || answer.row !== dial.row) return
      const { row, fields, result } = answer
      const body = bodyText(textOfRow(row), { ...fields, ...dial.context, seed: result.seed })
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
