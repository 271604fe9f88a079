// Prints what test_shuffle.py expects: libc++'s own shuffle over libc++'s own generator.
// c++ -std=c++17 -stdlib=libc++ libcxx_shuffle.cpp -o shuffle && ./shuffle ROWS SEED EPOCHS
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <random>
#include <vector>

int main(int, char **arguments) {
    std::vector<std::uint32_t> rows(std::atol(arguments[1]));
    std::iota(rows.begin(), rows.end(), 0);
    // On Apple's systems result_type has 32 bits; on Linux it has 64.
    std::minstd_rand generator(static_cast<std::uint32_t>(std::atoll(arguments[2])));
    for (int epoch = 0; epoch < std::atoi(arguments[3]); epoch++) {
        std::shuffle(rows.begin(), rows.end(), generator);
        std::uint64_t hash = 1469598103934665603u;  // FNV-1a, a row at a time
        for (auto row : rows) hash = (hash ^ row) * 1099511628211u;
        std::printf("%016llx", static_cast<unsigned long long>(hash));
        if (rows.size() < 20)
            for (auto row : rows) std::printf(" %u", row);
        std::printf("\n");
    }
    std::printf("then %llu\n", static_cast<unsigned long long>(generator()));
}
