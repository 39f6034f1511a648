using System.Runtime.InteropServices;
using Comet.AspNetCore.Transport;

namespace Comet.AspNetCore.Tests.Transport;

/// <summary>The layout of <c>struct epoll_event</c>, byte for byte, as each architecture's system has it.</summary>
public class EpollEventsTests
{
    [Theory]
    [InlineData(Architecture.X64, "052000800A0B0C0D0E0F1011040000000100000000000000")]
    [InlineData(Architecture.Arm64, "05200080000000000A0B0C0D0E0F101104000000000000000100000000000000")]
    public void An_event_is_packed_on_x64_only(Architecture architecture, string bytes)
    {
        var memory = new byte[bytes.Length / 2];
        var events = new EpollEvents(memory, architecture);

        events.Set(
            0, SocketEvents.Readable | SocketEvents.Writable | SocketEvents.PeerHungUp | SocketEvents.EdgeTriggered, 0x11100F0E0D0C0B0A);
        events.Set(1, SocketEvents.Writable, 1);

        Assert.Equal(bytes, Convert.ToHexString(memory));
        Assert.Equal((SocketEvents.Writable, 1ul), (events.FlagsOf(1), events.DataOf(1)));
        Assert.Equal(0x11100F0E0D0C0B0Aul, events.DataOf(0));
    }
}
