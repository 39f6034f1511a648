using System.Buffers;
using System.Text;
using Comet.AspNetCore.Formats;

namespace Comet.AspNetCore.Tests.Formats;

/// <summary>What many connections are sent from one encoding, each with its own nonce.</summary>
public class FrameBufferTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(24)]
    [InlineData(25)]
    [InlineData(1000)]
    public void Pieces_of_a_shared_frame_have_the_nonce_of_their_connection(int length)
    {
        using var buffer = new FrameBuffer();
        for (var i = 0; i < 5; i++)
        {
            buffer.Write(Encoding.ASCII.GetBytes(new string((char)('a' + i), 10 * i)));
            buffer.WriteNoncePlaceholder();
        }
        var (first, second) = (Nonce.Create(), Nonce.Create());
        buffer.WriteNonce(first);
        var frame = buffer.Share();
        Assert.Equal(buffer.Chunk, Pieces(first));
        buffer.WriteNonce(second);

        Assert.Equal(buffer.Chunk, Pieces(second));
        Assert.Same(frame, buffer.Share());

        using var again = new FrameBuffer();
        again.Load(frame);
        again.WriteNonce(second);
        Assert.Equal(buffer.Chunk, again.Chunk);
        Assert.Same(frame, again.Share());

        ReadOnlySpan<byte> Pieces(Nonce nonce)
        {
            var pieces = new byte[frame.Length];
            for (var from = 0; from < frame.Length; from += length)
            {
                frame.CopyTo(pieces.AsSpan(from, Math.Min(length, frame.Length - from)), from, nonce);
            }
            return pieces;
        }
    }

    [Fact]
    public void A_frame_is_loaded_into_a_buffer_that_is_shorter_than_where_its_nonces_are()
    {
        var nonce = Nonce.Create();
        using var buffer = new FrameBuffer();
        buffer.Write(new byte[10_000]);
        buffer.WriteNoncePlaceholder();
        buffer.WriteNonce(nonce);
        using var again = new FrameBuffer();

        again.Load(buffer.Share());

        again.WriteNonce(nonce);
        Assert.Equal(buffer.Content, again.Content);
    }
}
