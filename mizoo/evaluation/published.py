"""The published table: KS distances × 100 of ten observables (arXiv 2112.10629, table 1)."""

# Space and observable of each cell, in the order of the paper: the b quark and the leading jet, then
# the masses of reconstructed detector events.
CELLS = (
    ("z", "py_b"),
    ("z", "pz_b"),
    ("z", "E_b"),
    ("x", "py_jet1"),
    ("x", "pz_jet1"),
    ("x", "E_jet1"),
    ("x", "m_tt"),
    ("x", "m_w_had"),
    ("x", "m_t_lep"),
    ("x", "m_t_had"),
)
PUBLISHED = {
    "Turbo-Sim (paper)": (5.28, 7.28, 3.96, 2.89, 10.3, 4.43, 2.97, 7.72, 5.20, 8.52),
    "OTUS (paper)": (1.59, 1.23, 2.76, 3.78, 2.39, 5.75, 15.8, 11.7, 14.1, 24.9),
}
