// The link in Swagger UI's bar leads nowhere. Swagger UI creates the bar late, so wait for it.
new MutationObserver((_changes, observer) => {
  const link = document.querySelector('.topbar a.link')
  if (!link) return
  link.href = '/'
  link.setAttribute('aria-label', 'Kelvin, the playground')
  const back = document.createElement('a')
  back.href = '/'
  back.className = 'back'
  back.textContent = 'Playground'
  link.after(back)
  observer.disconnect()
}).observe(document.body, { childList: true, subtree: true })

/**
 * Folds the parameters in query and headers of a request with a body. All of them are optional, and a JSON body can
 * hold the same fields. If the body is not JSON, they are unfolded.
 */
globalThis.foldParameters = ({ React: { createElement, useState } }) => {
  function Fold({ isOpen, title, content }) {
    const [open, setOpen] = useState(isOpen)
    const onToggle = (event) => setOpen(event.currentTarget.open)
    return createElement(
      'details',
      { className: 'beside-body', open, onToggle },
      createElement('summary', null, title),
      // Sixty parameters take a second to draw, so they are drawn when the fold is opened.
      open && content(),
    )
  }

  const wrap = (Parameters) =>
    function Form(props) {
      const { operation, parameters, oas3Selectors, pathMethod } = props
      if (!operation.has('requestBody')) return createElement(Parameters, props)
      const isJson = /json/.test(oas3Selectors.requestContentType(...pathMethod) ?? 'json')
      const beside = { ...props, operation: operation.delete('requestBody') }
      return createElement(
        'div',
        { className: 'form' },
        createElement(Parameters, { ...props, parameters: parameters.clear() }),
        createElement(Fold, {
          key: isJson,
          isOpen: !isJson,
          title: `${parameters.size} optional parameters in query and headers`,
          content: () => createElement(Parameters, beside),
        }),
      )
    }

  return { wrapComponents: { parameters: wrap } }
}
