using System.Buffers;

namespace Comet.AspNetCore.Formats;

/// <summary>
/// A buffer that belongs to the thread, for a value that is encoded and copied in one go: nothing else needs to keep one. It is taken while
/// in use, as a converter may publish or encode, too; it is dropped when the use threw, or when a long value made it grow.
/// </summary>
internal static class ThreadBuffer
{
    [ThreadStatic]
    private static ArrayBufferWriter<byte>? t_buffer;

    internal static ArrayBufferWriter<byte> Rent()
    {
        var buffer = t_buffer ?? new ArrayBufferWriter<byte>(1024);
        t_buffer = null;
        return buffer;
    }

    internal static void Return(ArrayBufferWriter<byte> buffer)
    {
        if (buffer.Capacity <= SafeJson.KeptCapacity)
        {
            buffer.ResetWrittenCount();
            t_buffer = buffer;
        }
    }
}
