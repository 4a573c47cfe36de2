"""Sequential, ModuleList, ModuleDict, ParameterList, ParameterDict."""
