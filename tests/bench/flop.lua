-- flop(net, shape [, upto]) --> floating-point operations of one forward run over an input of that shape, of
-- the layers that value `upto` needs (default: the output).
return function(net, shape, upto)
  return net:plan(shape, { upto = upto, record = false }).forward.flop
end
