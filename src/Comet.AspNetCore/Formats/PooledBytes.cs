using System.Buffers;

namespace Comet.AspNetCore.Formats;

/// <summary>
/// Byte arrays from the shared pool, unless they are long: the pool keeps what is returned, per thread and per core, for minutes. Long ones
/// are the garbage collector's.
/// </summary>
internal static class PooledBytes
{
    private const int MaxLength = 1024 * 1024;

    internal static byte[] Rent(int length) =>
        length <= MaxLength ? ArrayPool<byte>.Shared.Rent(length) : GC.AllocateUninitializedArray<byte>(length);

    internal static void Return(byte[] bytes)
    {
        if (bytes.Length <= MaxLength)
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }
}
