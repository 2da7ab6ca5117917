from sockmatrix.repro.program import Program
def emit(program: Program) -> str: raise NotImplementedError
