namespace Comet.AspNetCore.RabbitMQ.Tests;

public sealed class FloorsTests
{
    private static readonly SourceFloors Floors = new(
        "Comet.AspNetCore.RabbitMQ", "Hosting", "Stores", "Following", "Messages", "Connections", "Diagnostics", "Options");

    [Fact]
    public void Every_folder_is_a_floor() => Assert.Equal(Floors.Names.Order(), Floors.Folders.Order());

    [Fact]
    public void Arrows_between_floors_go_down_only() => Assert.Empty(Floors.ArrowsUp());
}
