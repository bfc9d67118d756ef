#include "core/kernels/scalar/vec.h"
// After the vector, whose functions the templates call.
#include "core/kernels/inl/real.inl.h"

namespace kinglet::kernels {

template <class Real>
RealKernels<Real> scalar_real_kernels() noexcept {
  return real_kernels_of<ScalarVec<Real>>();
}

template RealKernels<float> scalar_real_kernels<float>() noexcept;
template RealKernels<double> scalar_real_kernels<double>() noexcept;

}  // namespace kinglet::kernels
