"""The daily draw of the quality queue. In: a store, a share. Out: cases that people read without the model's answer."""

from data.store.unit_of_work import Store


def draw_for_quality(store: Store, share: float) -> int:
    """Draw from every full day that nobody has drawn from; returns how many cases. Only reads where there is none."""
    with store.reading() as work:
        days = work.quality.days_to_draw()
    drawn = 0
    for day in days:
        with store.writing() as work:
            drawn += work.quality.draw(day, share=share)
    return drawn
