"""[grader] The words of TeX that a page typesets for a submission.

Those of MathJax that print a symbol or arrange what they are given. Not among them is what defines
words, loads extensions, opens addresses, sets styles and classes, or moves and fills by a length:
it could run code, or paint over another part of the page. Other words stay text.
"""

_WORDS = """
acute aleph alpha amalg And angle approx approxeq arccos arcsin arctan arg Arrowvert arrowvert
ast asymp atop backepsilon backprime backsim backsimeq backslash bar barwedge Bbb Bbbk because
begin beta beth between bf Big big bigcap bigcirc bigcup Bigg bigg Biggl biggl Biggm biggm Biggr
biggr Bigl bigl Bigm bigm bigodot bigoplus bigotimes Bigr bigr bigsqcup bigstar bigtriangledown
bigtriangleup biguplus bigvee bigwedge binom blacklozenge blacksquare blacktriangle
blacktriangledown blacktriangleleft blacktriangleright bmod boldsymbol bot bowtie Box boxdot
boxed boxminus boxplus boxtimes brace bracevert brack breve bullet Bumpeq bumpeq cal Cap cap
cases cdot cdotp cdots centerdot cfrac check checkmark chi choose circ circeq circlearrowleft
circlearrowright circledast circledcirc circleddash circledR circledS clubsuit colon complement
cong coprod cos cosh cot coth csc Cup cup curlyeqprec curlyeqsucc curlyvee curlywedge
curvearrowleft curvearrowright dagger daleth dashleftarrow dashrightarrow dashv dbinom ddagger
ddddot dddot ddot ddots deg Delta delta det dfrac diagdown diagup Diamond diamond diamondsuit
digamma dim displaystyle div divideontimes dot Doteq doteq doteqdot dotplus dots dotsb dotsc
dotsi dotsm dotso doublebarwedge doublecap doublecup Downarrow downarrow downdownarrows
downharpoonleft downharpoonright ell emptyset end enspace epsilon eqcirc eqsim eqslantgtr
eqslantless equiv eta eth exists exp fallingdotseq fbox Finv flat forall frac frak frown Game
Gamma gamma gcd ge geq geqq geqslant gets gg ggg gggtr gimel gnapprox gneq gneqq gnsim grave gt
gtrapprox gtrdot gtreqless gtreqqless gtrless gtrsim gvertneqq hat hbar hdashline heartsuit
hline hom hookleftarrow hookrightarrow hphantom hslash Huge huge idotsint iff iiiint iiint iint
Im imath impliedby implies in inf infty injlim int intercal intop iota it jmath Join kappa ker
Lambda lambda land langle LARGE Large large lbrace lbrack lceil ldotp ldots le leadsto left
Leftarrow leftarrow leftarrowtail leftharpoondown leftharpoonup leftleftarrows Leftrightarrow
leftrightarrow leftrightarrows leftrightharpoons leftrightsquigarrow leftthreetimes leq leqq
leqslant lessapprox lessdot lesseqgtr lesseqqgtr lessgtr lesssim lfloor lg lgroup lhd lim liminf
limits limsup ll llcorner Lleftarrow lll llless lmoustache ln lnapprox lneq lneqq lnot lnsim log
Longleftarrow longleftarrow Longleftrightarrow longleftrightarrow longmapsto Longrightarrow
longrightarrow looparrowleft looparrowright lor lozenge lrcorner Lsh lt ltimes lVert lvert
lvertneqq maltese mapsto mathbb mathbf mathbin mathcal mathclose mathfrak mathinner mathit
mathop mathopen mathord mathpunct mathrel mathring mathrm mathscr mathsf mathstrut mathtt matrix
max mbox measuredangle mho mid middle min mod models mp mu multimap nabla natural ncong ne
nearrow neg negmedspace negthickspace negthinspace neq nexists ngeq ngeqq ngeqslant ngtr ni
nLeftarrow nleftarrow nLeftrightarrow nleftrightarrow nleq nleqq nleqslant nless nmid nolimits
nonumber normalsize not notag notin nparallel nprec npreceq nRightarrow nrightarrow nshortmid
nshortparallel nsim nsubseteq nsubseteqq nsucc nsucceq nsupseteq nsupseteqq ntriangleleft
ntrianglelefteq ntriangleright ntrianglerighteq nu nVDash nVdash nvDash nvdash nwarrow odot oint
Omega omega omicron ominus operatorname oplus oslash otimes over overbrace overleftarrow
overleftrightarrow overline overparen overrightarrow overset owns parallel partial perp phantom
Phi phi Pi pi pitchfork pm pmatrix pmod pod Pr prec precapprox preccurlyeq preceq precnapprox
precneqq precnsim precsim prime prod projlim propto Psi psi qquad quad rangle rbrace rbrack
rceil Re restriction rfloor rgroup rhd rho right Rightarrow rightarrow rightarrowtail
rightharpoondown rightharpoonup rightleftarrows rightleftharpoons rightrightarrows
rightsquigarrow rightthreetimes risingdotseq rm rmoustache root Rrightarrow Rsh rtimes rVert
rvert S scriptscriptstyle scriptsize scriptstyle searrow sec setminus sf sharp shortmid
shortparallel Sigma sigma sim simeq sin sinh small smallfrown smallint smallsetminus smallsmile
smile spadesuit sphericalangle sqcap sqcup sqrt sqsubset sqsubseteq sqsupset sqsupseteq square
stackrel star Subset subset subseteq subseteqq subsetneq subsetneqq substack succ succapprox
succcurlyeq succeq succnapprox succneqq succnsim succsim sum sup Supset supset supseteq
supseteqq supsetneq supsetneqq surd swarrow tan tanh tau tbinom text textbf textit textnormal
textrm textsf textstyle texttt tfrac therefore Theta theta thickapprox thicksim thinspace tilde
times Tiny tiny to top triangle triangledown triangleleft trianglelefteq triangleq triangleright
trianglerighteq tt twoheadleftarrow twoheadrightarrow ulcorner underbrace underleftarrow
underleftrightarrow underline underparen underrightarrow underset unlhd unrhd Uparrow uparrow
Updownarrow updownarrow upharpoonleft upharpoonright uplus Upsilon upsilon upuparrows urcorner
varDelta varepsilon varGamma varinjlim varkappa varLambda varliminf varlimsup varnothing
varOmega varPhi varphi varPi varpi varprojlim varpropto varPsi varrho varSigma varsigma
varsubsetneq varsubsetneqq varsupsetneq varsupsetneqq varTheta vartheta vartriangle
vartriangleleft vartriangleright varUpsilon varXi Vdash vDash vdash vdots vec vee veebar Vert
vert vphantom Vvdash wedge widehat widetilde wp wr Xi xi xleftarrow xrightarrow yen zeta
"""
WORDS = frozenset(_WORDS.split())
