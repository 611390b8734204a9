"""The frame around table, chart and profile: three tabs that need no script.

The tabs are radio buttons, which every browser and screen reader knows how to move between. They
stand in a form of their own: a browser keeps the radio buttons of one form apart from those of the
next, so a page may hold any number of outputs, equal ones too, without an id or a unique name, and
the same cell always gives the same HTML. The form cannot be sent anywhere (``method="dialog"``).

Without the style sheet, as in a notebook that JupyterLab does not trust yet, the tabs stay hidden
and the table alone is shown.
"""

from __future__ import annotations

STYLE = """<style>
.lbd{--a:var(--lb-accent,var(--jp-brand-color1,#1f8ba3));--b:var(--lb-line,\
var(--jp-border-color2,#8886));--q:var(--lb-quiet,inherit);margin:.25rem 0 .75rem;max-width:100%}
.lbd>div{overflow-x:auto;position:relative}
.lbd table{border:0;border-collapse:collapse;color:inherit;font-variant-numeric:tabular-nums;\
margin:0 0 .5rem!important;width:auto}
.lbd caption{caption-side:top;color:var(--q);padding:.2rem 0;text-align:left;white-space:nowrap}
.lbd :is(th,td){border:0;border-bottom:1px solid var(--b);max-width:none;\
padding:.3rem .6rem!important;text-align:left!important;vertical-align:top;white-space:nowrap}
.lbd :is(th,td).n{text-align:right!important}
.lbd .w{min-width:18rem;white-space:pre-line!important}
.lbd th small{color:var(--q);display:block;font-weight:400}
.lbd p{margin:0 0 .5rem!important}
.lbd figure{margin:0!important;max-width:27rem}
.lbd svg{display:block;height:auto;margin:.5rem 0;width:100%}
.lbd td svg{height:1.1rem;margin:0;width:5rem}
.lbd text{fill:currentColor;font:12px system-ui,sans-serif}
.lbd .f{fill:var(--a)}
.lbd .l{fill:none;stroke:var(--a);stroke-linejoin:round;stroke-width:1.5}
.lbd .d{stroke:var(--a);stroke-linecap:round;stroke-width:4}
.lbd .a{fill:none;stroke:currentColor}
.lbd .g{stroke:var(--b)}
@supports selector(:has(a)){
.lbd>fieldset{border:0;border-bottom:1px solid var(--b);display:flex!important;\
margin:0 0 .5rem;min-width:0;padding:0;position:relative}
.lbd legend{clip-path:inset(50%);height:1px;overflow:hidden;position:absolute;width:1px}
.lbd label{border-bottom:3px solid #0000;color:var(--q);margin:0;padding:.3rem .7rem;\
position:relative}
.lbd label:has(:checked){border-color:var(--a);color:inherit}
.lbd label:has(:focus-visible){outline:2px solid var(--a);outline-offset:-2px}
.lbd input{cursor:pointer;height:100%;inset:0;margin:0;opacity:0;position:absolute;width:100%}
.lbd:not(:has([value="1"]:checked))>.lbd1{display:none}
.lbd:has([value="2"]:checked)>.lbd2,.lbd:has([value="3"]:checked)>.lbd3\
{display:block!important}
}
</style>"""

TABS = ("Table", "Visualization", "Data Profile")

# JupyterLab takes $ for mathematics where nothing says otherwise, and arrow keys for itself unless
# the very element that has the focus asks it not to.
OPEN = '<form class="lbd tex2jax_ignore mathjax_ignore" method="dialog" autocomplete="off">'
# Without a value it would not survive JupyterLab's cleaning of notebooks that it does not trust.
HIDDEN = 'hidden="hidden"'
OWN_KEYS = 'data-lm-suppress-shortcuts="true"'


def tabs(table: str, chart: str, profile: str, said: str, note: str = "") -> str:
    """Return one output with three tabs, of which the first is open.

    `said` tells a screen reader which frame it is; `note` stands above the tabs. All but `said`
    is HTML.
    """
    buttons = "".join(
        f'<label><input type="radio" name="tab" value="{i}" {OWN_KEYS}'
        f"{' checked' if i == 1 else ''}>{name}</label>"
        for i, name in enumerate(TABS, 1)
    )
    return (
        f"{OPEN}{STYLE}{note}<fieldset {HIDDEN}><legend>View of {said}</legend>{buttons}</fieldset>"
        f'<div class="lbd1" {_region(f"Table of {said}")}>{table}</div>'
        f'<div class="lbd2" {HIDDEN}>{chart}</div>'
        f'<div class="lbd3" {HIDDEN} {_region(f"Data profile of {said}")}>{profile}</div></form>'
    )


def alone(profile: str, said: str) -> str:
    """Return an output that is a profile only."""
    return (
        f'<div class="lbd tex2jax_ignore mathjax_ignore">{STYLE}'
        f"<div {_region(f'Data profile of {said}')}>{profile}</div></div>"
    )


def _region(said: str) -> str:
    # What scrolls sideways must be reachable with the keyboard, and must say what it is.
    return f'tabindex="0" role="region" aria-label="{said}"'
