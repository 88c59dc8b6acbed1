// A camera's state on the page: icon, tone and words as the recorder tells them.

/**
 * @param {HTMLElement} element a `.st`
 * @param {{icon: string, tone: string, word: string}} state
 */
export function showState(element, state) {
  element.className = `st ${state.tone}`.trim();
  const use = element.querySelector("use");
  if (use) use.setAttribute("href", `${document.documentElement.dataset.icons}#${state.icon}`);
  const word = element.querySelector("span");
  if (word) word.textContent = state.word;
}
