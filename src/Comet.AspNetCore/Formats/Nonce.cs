using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Comet.AspNetCore.Formats;

/// <summary>
/// A Content-Security-Policy nonce: 144 random bits as 24 characters of Base64. A struct, so that it needs no object of its own.
/// </summary>
[InlineArray(Length)]
internal struct Nonce
{
    internal const int Length = 24;

    private byte _first;

    internal static Nonce Create()
    {
        Span<byte> random = stackalloc byte[18];
        RandomNumberGenerator.Fill(random);
        Nonce nonce = default;
        Base64.EncodeToUtf8(random, nonce, out _, out _);
        return nonce;
    }

    internal readonly void CopyTo(Span<byte> destination) => ((ReadOnlySpan<byte>)this).CopyTo(destination);
}
