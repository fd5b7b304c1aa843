// Detector events from partons, with nothing but TensorFlow's C library and a SavedModel of mizoo.
//
//   simulate saved_models/turbosim-ttbar < partons.txt > objects.txt
//
// An event is a line of 24 numbers: px py pz E in GeV of e-, nubar, b, bbar, u, dbar; what comes out is a
// line of as many for the electron, the missing momentum and four jets. A seed, so that draws can be
// repeated, may follow as second argument; a third one is the name of the output, if
//
//   saved_model_cli show --dir MODEL --tag_set serve --signature_def decode_seeded
//
// prints another one.

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include <tensorflow/c/c_api.h>

constexpr int kComponents = 24;

void check(TF_Status* status) {
  if (TF_GetCode(status) != TF_OK) throw std::runtime_error(TF_Message(status));
}

class Decoder {
 public:
  Decoder(const char* directory, const char* output) {
    TF_SessionOptions* options = TF_NewSessionOptions();
    const char* tags[] = {"serve"};
    session_ = TF_LoadSessionFromSavedModel(options, nullptr, directory, tags, 1, graph_, nullptr, status_);
    TF_DeleteSessionOptions(options);
    check(status_);
    z_ = {find("decode_seeded_z"), 0};
    seed_ = {find("decode_seeded_seed"), 0};
    x_ = {find(output), 0};
  }

  ~Decoder() {
    if (session_) TF_DeleteSession(session_, status_);
    TF_DeleteGraph(graph_);
    TF_DeleteStatus(status_);
  }

  std::vector<float> operator()(const std::vector<float>& z, int64_t seed) {
    const int64_t shape[] = {static_cast<int64_t>(z.size()) / kComponents, kComponents};
    TF_Tensor* inputs[] = {tensor(TF_FLOAT, shape, 2, z.data(), z.size() * sizeof(float)),
                           tensor(TF_INT64, nullptr, 0, &seed, sizeof(seed))};
    const TF_Output places[] = {z_, seed_};
    TF_Tensor* output = nullptr;
    TF_SessionRun(session_, nullptr, places, inputs, 2, &x_, &output, 1, nullptr, 0, nullptr, status_);
    for (TF_Tensor* input : inputs) TF_DeleteTensor(input);
    check(status_);
    const float* values = static_cast<const float*>(TF_TensorData(output));
    std::vector<float> x(values, values + z.size());
    TF_DeleteTensor(output);
    return x;
  }

 private:
  TF_Operation* find(const char* name) {
    TF_Operation* operation = TF_GraphOperationByName(graph_, name);
    if (!operation) throw std::runtime_error(std::string("no operation ") + name);
    return operation;
  }

  static TF_Tensor* tensor(TF_DataType type, const int64_t* shape, int rank, const void* data, size_t bytes) {
    TF_Tensor* made = TF_AllocateTensor(type, shape, rank, bytes);
    std::memcpy(TF_TensorData(made), data, bytes);
    return made;
  }

  TF_Status* status_ = TF_NewStatus();
  TF_Graph* graph_ = TF_NewGraph();
  TF_Session* session_ = nullptr;
  TF_Output z_, seed_, x_;
};

int main(int argc, char** argv) try {
  if (argc < 2) throw std::runtime_error("usage: simulate SAVED_MODEL [SEED [OUTPUT]] < partons > objects");
  Decoder decode(argv[1], argc > 3 ? argv[3] : "StatefulPartitionedCall_1");
  std::vector<float> z;
  for (float value; std::cin >> value;) z.push_back(value);
  if (z.size() % kComponents) throw std::runtime_error("an event has 24 numbers");
  const std::vector<float> x = decode(z, argc > 2 ? std::atoll(argv[2]) : 0);
  for (size_t i = 0; i < x.size(); ++i) std::cout << x[i] << ((i + 1) % kComponents ? ' ' : '\n');
} catch (const std::exception& error) {
  std::cerr << "simulate: " << error.what() << '\n';
  return 1;
}
