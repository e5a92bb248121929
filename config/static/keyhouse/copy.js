// Buttons that copy the text of an element. Without this file, or without a clipboard, one selects it by hand.
"use strict";

if (navigator.clipboard) {
    for (const button of document.querySelectorAll("button[data-copies]")) {
        button.hidden = false;
        button.addEventListener("click", async () => {
            await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent);
            button.textContent = button.dataset.copied;
        });
    }
}
