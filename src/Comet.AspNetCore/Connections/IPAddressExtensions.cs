using System.Net;

namespace Comet.AspNetCore.Connections;

internal static class IPAddressExtensions
{
    /// <summary>The network of an address: its first bits, whose number is a multiple of eight.</summary>
    internal static IPAddress Masked(this IPAddress address, int bits)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        bytes[(bits / 8)..].Clear();
        return new IPAddress(bytes[..length]);
    }
}
