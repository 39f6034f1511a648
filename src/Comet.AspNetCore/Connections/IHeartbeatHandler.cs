namespace Comet.AspNetCore.Streams;

/// <summary>Something with open streams, which looks after their deadlines whenever it is ticked.</summary>
internal interface ITicked
{
    void Tick();
}
